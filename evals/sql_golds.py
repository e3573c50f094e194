"""Gold SQL with the schema that it is for: the defog sets where their folder is there, and the music store's."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.domain.sql import Schema, SchemaColumn, SchemaTable

_STORE = Path(__file__).parent / "data" / "musicstore.jsonl"
_CHOICE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Gold:
    """A statement that is right, and the schema."""

    sql: str
    schema: Schema


def music_store(schema: Schema) -> Iterator[Gold]:
    """The committed questions' SQL over the store's database, in the schema's dialect."""
    key = "gold_sql" if schema.dialect == "sqlite" else "gold_sql_pg"
    for line in _STORE.read_text("utf-8").splitlines():
        sql = json.loads(line).get(key)
        if sql:
            yield Gold(sql, schema)


def defog(folder: Path) -> Iterator[Gold]:
    """Every alternative of every set, with the columns of all choices."""
    for path in sorted(folder.glob("*_*.csv")):
        dialect = "sqlite" if path.stem.endswith("sqlite") else "postgresql"
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                schema = _schema(folder / f"{row['db_name']}.meta.json", dialect)
                for part in filter(str.strip, row["query"].split(";")):
                    yield Gold(_chosen(part), schema)


def _chosen(sql: str) -> str:
    """`{a, b}` means any of these columns, and `GROUP BY {}` the same ones."""
    choice = _CHOICE.search(sql)
    columns = re.sub(r"\s+AS\s+\w+", "", choice[1], flags=re.IGNORECASE) if choice else ""
    return _CHOICE.sub(r"\1", sql).replace("{}", columns).strip()


def _schema(meta: Path, dialect: str) -> Schema:
    tables = json.loads(meta.read_text("utf-8"))["table_metadata"]
    return Schema(
        dialect,
        tuple(
            SchemaTable(
                name.lower(), tuple(SchemaColumn(c["column_name"].lower(), c["data_type"].lower()) for c in columns)
            )
            for name, columns in tables.items()
        ),
        meta.name,
    )
