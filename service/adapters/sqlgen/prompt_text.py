"""The texts of a prompt: what does not change first, so that a server can keep it cached, the question last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.adapters.sqlgen.periods import periods_of
from service.adapters.sqlgen.units import conversions
from service.domain.schema_linking import name_parts, stem
from service.domain.schema_memo import once_per_schema
from service.domain.sql import KnowledgeItem, Schema, SchemaColumn, SchemaTable, ValueMatch
from service.ports import SqlRequest

_MAX_SHOWN_VALUES = 12
_MAX_SHOWN_CHARS = 160
_LOOKUP_COLUMNS = 3
_LOOKUP_ROWS = 100
_LOOKUP_EXAMPLES = 4
_MAX_KNOWLEDGE = 3
_MAX_DATE_COLUMNS = 2
_MAX_CODE = 3
# The values of these say nothing about the schema, and small models copy them into filters.
_PLACES = frozenset(stem(word) for word in ("city", "state", "country", "region", "county", "province", "town"))
_RULES = {
    "sqlite": """You write one SQLite SELECT that answers a question about a database.
- Use as few tables as possible, joined on their REFERENCES.
- Filter only by what the question and the stored values say.
- Who or which: select the name (of a person the first and last name) and the number asked about.
- How many: COUNT(*) of the rows that are meant, COUNT(DISTINCT x) for different values of x only.
- Most, best or longest alone: ORDER BY ... DESC LIMIT 1.
- Copy thresholds, lists and percentages of the question into the SQL: 7.5 % is 0.075.
- Dates are ISO text; parts of them by strftime('%Y', d). Round money to 2 decimals.
- If the tables cannot answer, or the question asks to change data, reply CANNOT: reason""",
    "postgresql": """You write one PostgreSQL SELECT that answers a question about a database.
- Use as few tables as possible, joined on their REFERENCES. Take each column from the table that has it.
- Filter only by what the question and the stored values say.
- Select the columns the question names, nothing else. Who or which: the name and the number asked about.
- How many: COUNT(*) of the rows that are meant, COUNT(DISTINCT x) for different values of x only.
- Most, best or longest alone: ORDER BY ... DESC LIMIT 1.
- A ratio or proportion: CAST(x AS FLOAT) / NULLIF(y, 0).
- Parts of dates by EXTRACT(YEAR FROM d) or DATE_TRUNC('month', d); the past n days by CURRENT_DATE - INTERVAL 'n days'.
- If the tables cannot answer, or the question asks to change data, reply CANNOT: reason""",
}


def system_text(dialect: str) -> str:
    """What the model is to do. The same for every database of a dialect."""
    return _RULES[dialect]


def schema_text(schema: Schema, tables: Sequence[SchemaTable]) -> str:
    """These tables of the database, one line each."""
    lines = _lines(schema)
    return "\n".join(lines[table.name] for table in tables)


@once_per_schema
def _lines(schema: Schema) -> Mapping[str, str]:
    return {table.name: table_line(table) for table in schema.tables}


def table_line(table: SchemaTable) -> str:
    """One table as CREATE TABLE, with what helps to use it and nothing else."""
    targets = {
        column: f" REFERENCES {key.target_table}({target})"
        for key in table.foreign_keys
        for column, target in zip(key.columns, key.target_columns, strict=True)
    }
    columns = ", ".join(_column_text(column, table, targets.get(column.name, "")) for column in table.columns)
    comment = f" -- {table.comment}" if table.comment else ""
    return f"CREATE TABLE {table.name} ({columns});{comment}"


def _column_text(column: SchemaColumn, table: SchemaTable, target: str) -> str:
    key = " PRIMARY KEY" if table.primary_key == (column.name,) else ""
    notes = [column.comment] if column.comment else []
    shown = _shown_values(column, table)
    notes += [shown] if shown else []
    return f"{column.name} {_short_type(column.type)}{key}{target}{f' /* {chr(59).join(notes)} */' if notes else ''}"


def _shown_values(column: SchemaColumn, table: SchemaTable) -> str:
    """All values where they are few, and some of those of a small lookup table, which say what it is about."""
    values = column.values
    if not values:
        return ""
    if _PLACES.intersection(name_parts(column.name)):
        codes = [value for value in values if len(value) <= _MAX_CODE and value.isupper()]
        return f"codes such as '{codes[0]}'" if len(codes) == len(values) > 1 else ""
    if len(values) <= _MAX_SHOWN_VALUES:
        shown = ", ".join(f"'{value}'" for value in values)
        return shown if len(shown) <= _MAX_SHOWN_CHARS else ""
    if len(table.columns) > _LOOKUP_COLUMNS or not 0 <= table.row_count <= _LOOKUP_ROWS:
        return ""
    step = len(values) // _LOOKUP_EXAMPLES
    return "such as " + ", ".join(f"'{value}'" for value in values[::step][:_LOOKUP_EXAMPLES])


def _short_type(declared: str) -> str:
    upper = declared.upper()
    for mark in (
        "BOOL",
        "TIMESTAMP",
        "DATETIME",
        "DATE",
        "INT",
        "CHAR",
        "TEXT",
        "NUMERIC",
        "DECIMAL",
        "DOUBLE",
        "REAL",
    ):
        if mark in upper:
            return "TEXT" if mark == "CHAR" else mark
    return upper or "TEXT"


def question_text(request: SqlRequest, values: Sequence[ValueMatch], knowledge: Sequence[KnowledgeItem]) -> str:
    """What changes with every question, the question last."""
    parts: list[str] = []
    for item in knowledge[:_MAX_KNOWLEDGE]:
        if item.example:
            parts.append(f"Example: {item.example.question}\n{item.example.sql}")
        else:
            parts.append(f"Known: {item.documentation or item.ddl}")
    for title, hints in (
        ("Dates", periods_of(request.question, _date_columns(request.schema))),
        ("Units", [item.text() for item in conversions(request.question, request.schema)]),
    ):
        if hints:
            parts.append(f"{title}: {'; '.join(hints)}")
    if values:
        parts.append("Stored values: " + "; ".join(_value_texts(values)))
    parts.append(f"Question: {request.question}")
    return "\n".join(parts)


@once_per_schema
def _date_columns(schema: Schema) -> list[str]:
    """Columns of dates on which something happened, those of the largest tables first."""
    tables = sorted(schema.tables, key=lambda table: -table.row_count)
    names = [f"{t.name}.{c.name}" for t in tables for c in t.columns if _is_date(c)]
    return names[:_MAX_DATE_COLUMNS]


def _is_date(column: SchemaColumn) -> bool:
    return any(mark in column.type.upper() for mark in ("DATE", "TIMESTAMP")) and "birth" not in column.name.lower()


def _value_texts(values: Sequence[ValueMatch]) -> list[str]:
    """Values with the columns that hold them, which are alternatives; those of the same columns together."""
    columns: dict[str, list[str]] = {}
    for match in values:
        names = columns.setdefault(match.value, [])
        names += [f"{match.table}.{match.column}"] if f"{match.table}.{match.column}" not in names else []
    together: dict[str, list[str]] = {}
    for value, names in columns.items():
        together.setdefault(" or ".join(names), []).append("'" + value.replace("'", "''") + "'")
    return [f"{name} {_compared(texts)}" for name, texts in together.items()]


def _compared(texts: Sequence[str]) -> str:
    return f"= {texts[0]}" if len(texts) == 1 else f"IN ({', '.join(texts)})"
