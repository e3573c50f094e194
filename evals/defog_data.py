"""defog's questions and databases: read, loaded into PostgreSQL, and what their gold queries return."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.defog_scoring import Result, expand

SETS = ("questions_gen_postgres", "instruct_basic_postgres")
UNANSWERABLE = "idk"
Asked = tuple[str, int, dict[str, str]]
"""The set, the row in it and its fields."""


def with_instructions(row: dict[str, str]) -> str:
    """A question and what it says about how to answer."""
    return "\n".join(text for text in (row["question"].strip(), (row.get("instructions") or "").strip()) if text)


def read_questions(folder: Path, databases: Sequence[str], every: int) -> list[Asked]:
    """Set, row and fields of each chosen question, those of one database together."""
    found: list[Asked] = []
    for name in (*SETS, UNANSWERABLE):
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(enumerate(csv.DictReader(file)))
        found += [(name, i, row) for i, row in rows if i % every == 0 and row["db_name"] in databases]
    return sorted(found, key=lambda item: databases.index(item[2]["db_name"]))


def load_database(uri: str, folder: Path, name: str, comments: bool) -> str:
    """Create a database from its file, with the descriptions of its columns as comments, and return its DSN."""
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import make_conninfo

    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"defog_{name}")))
    dsn = make_conninfo(uri, dbname=f"defog_{name}")
    tables: dict[str, Any] = (
        json.loads((folder / f"{name}.meta.json").read_text())["table_metadata"] if comments else {}
    )
    with psycopg.connect(dsn) as connection:
        connection.execute((folder / f"{name}.sql").read_text(encoding="utf-8").encode())
        for table, columns in tables.items():
            for column in columns:
                place = f"{table.rpartition('.')[2]}.{column['column_name']}".lower()
                text = sql.Literal(column["column_description"])
                if column["column_description"]:
                    connection.execute(
                        sql.SQL("COMMENT ON COLUMN {} IS {}").format(sql.Identifier(*place.split(".")), text)
                    )
    return dsn


def gold_results(dsn: str, gold: str) -> list[Result]:
    """The results of all alternatives of a gold that run."""
    import psycopg

    found: list[Result] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for query in expand(gold):
            try:
                cursor = connection.execute(query.encode())
                names = tuple(column.name for column in cursor.description or ())
                found.append(Result(query, names, tuple(cursor.fetchall())))
            except psycopg.Error:
                continue
    return found
