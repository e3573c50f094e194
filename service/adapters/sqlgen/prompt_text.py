"""The texts of a prompt: what does not change first, so that a server can keep it cached, the question last."""

from __future__ import annotations

from collections.abc import Sequence

from service.adapters.sqlgen.periods import periods_of
from service.domain.schema_linking import name_parts, stem
from service.domain.sql import KnowledgeItem, SchemaColumn, SchemaTable, ValueMatch

PROMPT_VERSION = "1"
_MAX_SHOWN_VALUES = 8
_MAX_SHOWN_CHARS = 160
_MAX_KNOWLEDGE = 3
_UNITS = {
    "millisecond": "minutes: {}/60000.0",
    "second": "minutes: {}/60.0",
    "byt": "megabytes: {}/1048576.0",
    "cent": "money: {}/100.0",
}
# The values of these say nothing about the schema, and small models copy them into filters.
_PLACES = frozenset(stem(word) for word in ("city", "state", "country", "region", "county", "province", "town"))
_DIALECTS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_DATES = {
    "sqlite": "Dates are ISO text; parts of them by strftime('%Y', d).",
    "postgresql": "Parts of dates by EXTRACT(YEAR FROM d) or to_char(d, 'YYYY-MM').",
}
_RULES = """You write one {dialect} SELECT that answers a question about a database.
- Use only the given tables and columns, and no more tables than needed. Join along the -> keys.
- Filter only by what the question, the stored values or the facts say.
- Select what identifies the answer (a person: first and last name; a thing: its name) and the number asked about.
- Most, best, biggest, longest: ORDER BY ... DESC LIMIT 1, or LIMIT n when a number is asked for.
- Facts decide thresholds, lists and percentages: copy their numbers and names into the SQL.
- Round money to 2 decimals. {dates}
- If the tables cannot answer, or the question asks to change data, reply CANNOT: reason"""


def system_text(dialect: str) -> str:
    """What the model is to do. The same for every database of a dialect."""
    return _RULES.format(dialect=_DIALECTS[dialect], dates=_DATES[dialect])


def schema_text(tables: Sequence[SchemaTable]) -> str:
    """The database, one line a table."""
    return "Database:\n" + "\n".join(table_line(table) for table in tables)


def table_line(table: SchemaTable) -> str:
    """One table as Name(column type -> Target.column, ...)."""
    targets = {
        column: f" -> {key.target_table}.{target}"
        for key in table.foreign_keys
        for column, target in zip(key.columns, key.target_columns, strict=True)
    }
    columns = ", ".join(_column_text(column, table, targets.get(column.name, "")) for column in table.columns)
    comment = f" -- {table.comment}" if table.comment else ""
    return f"{table.name}({columns}){comment}"


def _column_text(column: SchemaColumn, table: SchemaTable, target: str) -> str:
    key = " key" if table.primary_key == (column.name,) else ""
    values = ""
    if column.values and len(column.values) <= _MAX_SHOWN_VALUES and not _PLACES.intersection(name_parts(column.name)):
        shown = " | ".join(f"'{value}'" for value in column.values)
        values = f" [{shown}]" if len(shown) <= _MAX_SHOWN_CHARS else ""
    unit = next((text for part, text in _UNITS.items() if part in name_parts(column.name)), "")
    note = column.comment or (unit.format(column.name) if unit else "")
    return f"{column.name} {_short_type(column.type)}{key}{target}{values}{f' ({note})' if note else ''}"


def _short_type(declared: str) -> str:
    upper = declared.upper()
    for mark, short in (
        ("BOOL", "bool"), ("TIME", "datetime"), ("DATE", "date"), ("INT", "int"), ("CHAR", "text"), ("TEXT", "text"),
        ("CLOB", "text"), ("NUM", "decimal"), ("DEC", "decimal"), ("REAL", "float"), ("DOUB", "float"),
        ("FLOA", "float"),
    ):  # fmt: skip
        if mark in upper:
            return short
    return declared.lower() or "text"


def question_text(
    question: str, values: Sequence[ValueMatch], knowledge: Sequence[KnowledgeItem], rules: Sequence[str]
) -> str:
    """What changes with every question, the question last."""
    parts: list[str] = []
    for item in knowledge[:_MAX_KNOWLEDGE]:
        if item.example:
            parts.append(f"Example: {item.example.question}\n{item.example.sql}")
        else:
            parts.append(f"Known: {item.documentation or item.ddl}")
    if rules:
        parts.append("Facts:\n" + "\n".join(f"- {rule}" for rule in rules))
    periods = periods_of(question)
    if periods:
        parts.append("Dates: " + "; ".join(periods))
    if values:
        parts.append("Stored values: " + "; ".join(_value_texts(values)))
    parts.append(f"Question: {question}")
    return "\n".join(parts)


def _value_texts(values: Sequence[ValueMatch]) -> list[str]:
    return list(dict.fromkeys(f"{m.table}.{m.column} = '{m.value.replace(chr(39), chr(39) * 2)}'" for m in values))


def repair_text(problem: str, names: Sequence[str]) -> str:
    """What was wrong with the last statement, and the nearest real names."""
    hint = f" Real names: {', '.join(names)}." if names else ""
    return f"That SQL fails: {problem}{hint} Write a different, corrected ```sql block."
