"""Any text a person may send, in columns of PostgreSQL, which hold all characters but NUL. Importing loads psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.string import StrDumper

from service.adapters.postgres_connection import BoundedConnection, connect

if TYPE_CHECKING:
    from psycopg.abc import Buffer


class _WithoutNul(StrDumper):
    """NUL becomes the replacement character."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd"))


def connect_for_text(words: str, longest: float) -> BoundedConnection:
    """See connect."""
    connection = connect(words, longest)
    connection.adapters.register_dumper(str, _WithoutNul)
    return connection
