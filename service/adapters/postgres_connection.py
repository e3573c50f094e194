"""A connection to PostgreSQL that never waits for ever. Importing this loads psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, OperationalError

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")

_WAKE_SECONDS = 0.1


class BoundedConnection(Connection[Any]):
    """Raises OperationalError and is closed when the server, or a pooler before it, is silent for longest seconds."""

    longest = 30.0

    def wait(self, gen: PQGen[T], interval: float = _WAKE_SECONDS, timeout: float | None = None) -> T:
        """As in psycopg, with a limit."""
        try:
            return super().wait(gen, interval, self.longest if timeout is None else timeout)
        except OperationalError as error:
            if error.sqlstate is None:
                self.pgconn.finish()  # what comes next on it would be the answer to this
            raise


def connect(words: str, longest: float = BoundedConnection.longest) -> BoundedConnection:
    """An autocommit connection as conninfo says, that keeps no statement prepared in a pooler's session."""
    connection = BoundedConnection.connect(words, autocommit=True, prepare_threshold=None)
    connection.longest = longest
    return connection
