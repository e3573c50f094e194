"""The schema of the user's database and statements over it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from service.domain.tables import Table

MAX_RESULT_ROWS = 1000
"""The most rows that one execution returns."""
MAX_STATEMENT_ROWS = MAX_RESULT_ROWS + 1
"""The LIMIT of a statement: one row more than is returned shows that rows were cut."""
LEAST_CONFIDENCE = 0.6
"""A statement below this waits for a person, with what speaks against it."""

SAMPLED_EXAMPLES = 20
"""How many values stand for a column that has too many to read them all."""


@dataclass(frozen=True, slots=True)
class SchemaColumn:
    """A column. values holds all stored texts where they are few, and those that an enum or CHECK allows, else
    SAMPLED_EXAMPLES; empty if it is not text.
    """

    name: str
    type: str
    nullable: bool = True
    comment: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """columns reference target_columns of target_table, position by position.

    inferred says that no constraint declares it: names, types and values do.
    """

    columns: tuple[str, ...]
    target_table: str
    target_columns: tuple[str, ...]
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class SchemaTable:
    """A table or view. row_count is an estimate, -1 when unknown."""

    name: str
    columns: tuple[SchemaColumn, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str = ""
    is_view: bool = False
    row_count: int = -1


@dataclass(frozen=True, slots=True)
class Schema:
    """What the role may read. dialect is "sqlite" or "postgresql". epoch changes whenever the schema does."""

    dialect: str
    tables: tuple[SchemaTable, ...]
    epoch: str


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """A stored text that occurs in a question, and words of the question that it was found by."""

    table: str
    column: str
    value: str
    words: str = ""


class StatementState(StrEnum):
    """Where a statement is in the approval flow."""

    PROPOSED = "PROPOSED"
    EXECUTING = "EXECUTING"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """A generated statement, immutable apart from its state. sql is exactly what will run."""

    id: str
    question: str
    sql: str
    dialect: str
    explanation: str
    tables: tuple[str, ...]
    etag: str
    state: StatementState
    create_time: dt.datetime
    expire_time: dt.datetime


@dataclass(frozen=True, slots=True)
class SqlResult:
    """A statement, what it returned, and when that was read from the database."""

    statement: SqlStatement
    table: Table
    execute_time: dt.datetime
    cache_hit: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """How much one execution may take: wall time in seconds, rows and bytes returned."""

    timeout_seconds: float = 10.0
    max_rows: int = 100
    max_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Access:
    """What a connection's role could do besides reading.

    problems are sentences, none when it is proven that it cannot write. remedy holds the statements, each with its
    semicolon, that an administrator runs to make a role that can only read; none when nothing is wrong.
    """

    role: str
    problems: tuple[str, ...]
    remedy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A question with the SQL that answers it."""

    question: str
    sql: str


@dataclass(frozen=True, slots=True)
class KnowledgeItem:
    """Something the SQL generator should know. Exactly one of ddl, documentation and example is set."""

    id: str
    create_time: dt.datetime
    ddl: str = ""
    documentation: str = ""
    example: ExampleQuery | None = None
