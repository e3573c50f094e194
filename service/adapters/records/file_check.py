"""Asks the SQLite file of the records whether it works, without the store and its libraries."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

from service.domain.health import ComponentHealth, HealthStatus

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_SECONDS = 2.0


class RecordFileCheck:
    """A Checkable, for as long as nothing has needed the store: a cold start that is asked for its health."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def check(self) -> ComponentHealth:
        """Whether the file can be made or opened, and read."""
        try:
            await asyncio.to_thread(self._ask)
        except (sqlite3.Error, OSError):
            detail = "The database of records does not work. Check that RAGSQL_DATA_DIR is writable and has free space."
            return ComponentHealth("records", "sqlite", HealthStatus.NOT_SERVING, detail)
        return ComponentHealth("records", "sqlite", HealthStatus.SERVING)

    def _ask(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        finally:
            connection.close()
