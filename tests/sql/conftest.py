"""The shop in a SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.adapters.databases.sqlite import SqliteDatabase
from tests.sql.shop import make_sqlite


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """A fresh shop."""
    return make_sqlite(tmp_path / "shop.sqlite")


@pytest.fixture
def sqlite_database(sqlite_path: Path) -> SqliteDatabase:
    """The adapter over a fresh shop."""
    return SqliteDatabase(sqlite_path)
