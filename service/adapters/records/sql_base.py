"""The tables of the records as a whole: transactions over them, their health, their version, their raw rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from service.adapters.records import transfer
from service.adapters.records.engine import RecordEngine
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import RagsqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Concatenate, ParamSpec

    from sqlalchemy import Connection

    from service.ports import RecordRow

    P = ParamSpec("P")
T = TypeVar("T")


class SqlTables:
    """RecordRows and Checkable at url. Tables are made on first use."""

    def __init__(self, url: str, connections: int, seconds: float) -> None:
        self._engine = RecordEngine(url, connections, seconds)
        self.shared = self._engine.name != "sqlite"

    def tables(self) -> tuple[str, ...]:
        """See RecordRows."""
        return transfer.tables()

    async def export_rows(self, table: str, after: tuple[object, ...] | None, size: int) -> list[RecordRow]:
        """See RecordRows."""
        return await self._read(transfer.export, table, after, size)

    async def import_rows(self, table: str, rows: Sequence[RecordRow]) -> None:
        """See RecordRows."""
        await self._write(transfer.load, table, rows)

    async def drop_rows(self, table: str, keys: Sequence[tuple[object, ...]]) -> None:
        """See RecordRows."""
        await self._write(transfer.drop, table, keys)

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        try:
            await self._read(lambda connection: connection.exec_driver_sql("SELECT 1"))
        except RagsqlError as error:
            return ComponentHealth("records", self._engine.name, HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("records", self._engine.name, HealthStatus.SERVING)

    def upgrade(self) -> tuple[str, str]:
        """Bring the tables to this version and return the revisions before, empty if there was none, and now."""
        return self._engine.upgrade()

    def close(self) -> None:
        """Close the connections. They open again on use."""
        self._engine.close()

    async def _read(self, act: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._engine.run(lambda connection: act(connection, *args, **kwargs), write=False)

    async def _write(self, act: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._engine.run(lambda connection: act(connection, *args, **kwargs), write=True)
