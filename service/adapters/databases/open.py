"""The adapter for a DATABASE_URL."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from service.adapters.postgres_address import CONNECTIONS, SCHEMES
from service.errors import NotConfigured
from service.ports import Database

URL_FORMS = "sqlite:///path/to/file.db or postgresql://user:password@host:5432/name"


def open_database(url: str, hidden: Sequence[str] = (), connections: int = CONNECTIONS) -> Database:
    """A Database for sqlite:///path, postgresql://, postgres:// or postgresql+psycopg://. Connects on first use.

    A relative SQLite path has three slashes, an absolute one four. hidden are patterns of column or table.column,
    whose stored values are never read ahead of a question; connections bounds those to PostgreSQL. Raises
    NotConfigured for any other form.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        path = unquote(url.partition("://")[2].partition("?")[0].removeprefix("/"))
        if not path:
            raise NotConfigured(f"DATABASE_URL names no SQLite file. Write {URL_FORMS}.")
        from service.adapters.databases.sqlite import SqliteDatabase

        return SqliteDatabase(path, hidden)
    if scheme in SCHEMES:
        from service.adapters.databases.postgres import PostgresDatabase

        return PostgresDatabase(url, hidden, connections)
    raise NotConfigured(f"DATABASE_URL has a scheme that is not known. Write {URL_FORMS}.")
