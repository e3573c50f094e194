"""A small shop in both dialects: what the SQL tests ask about."""

from __future__ import annotations

import sqlite3
from pathlib import Path

TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, first_name VARCHAR(40) NOT NULL, last_name VARCHAR(40), "
    "email VARCHAR(80), country VARCHAR(40), password VARCHAR(40))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), ordered TIMESTAMP NOT NULL, "
    "total NUMERIC(10, 2) NOT NULL)",
    "CREATE TABLE secrets (token VARCHAR(40))",
)
ROWS = (
    "INSERT INTO users VALUES (1, 'Helena', 'Holý', 'h@example.com', 'Czech Republic', 'x'), "
    "(2, 'Steve', 'Johnson', 's@example.com', 'Brazil', 'x'), (3, 'Ana', 'Silva', 'a@example.com', 'Brazil', 'x')",
    "INSERT INTO orders VALUES (1, 1, '2024-05-01 00:00:00', 10.50), (2, 1, '2025-01-02 03:04:05', 5.25), "
    "(3, 2, '2025-06-07 00:00:00', 1.99)",
    "INSERT INTO secrets VALUES ('tk-1')",
)


def make_sqlite(path: Path) -> Path:
    """Write the shop to a new SQLite file."""
    connection = sqlite3.connect(path)
    with connection:
        for statement in (*TABLES, *ROWS):
            connection.execute(statement)
    connection.close()
    return path


def counts(path: Path) -> list[int]:
    """The row counts of all tables of a SQLite file."""
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    found = [connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names]
    connection.close()
    return found
