"""Names in a statement: written as the schema writes them, and known to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from service.domain.schema_memo import once_per_schema
from service.domain.sql import Schema, SchemaTable
from service.domain.sql_guard_place import refusal
from service.domain.sql_guard_series import is_series, with_series, without_series
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_PLAIN = {"sqlite": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "postgresql": re.compile(r"[a-z_][a-z0-9_]*")}
# Keywords that both databases read as names, and reserved words that sqlglot does not list.
_USUAL = frozenset(
    "NAME TITLE DATE STATE YEAR TEXT CACHE COMMENT DATABASE FILE FORMAT GEOGRAPHY GEOMETRY LIST MONEY NAMESPACE OBJECT "
    "OID OPERATOR POINT SCHEMA SEQUENCE SERIAL SESSION SETTINGS TIME TIMESTAMP TYPE UUID VIEW".split()
)
_RESERVED = frozenset(
    "ANALYSE ASYMMETRIC BOTH CHECK COLUMN CONSTRAINT DEFAULT DEFERRABLE DO FOREIGN GROUP GRANT INDEX INITIALLY LEADING "
    "LIMIT OFFSET ONLY ORDER PLACING PRIMARY REFERENCES SYMMETRIC TABLE TO TRAILING USER VARIADIC ADD AUTHORIZATION "
    "CAST COLLATION CONCURRENTLY CURRENT_ROLE FREEZE IF NOTHING RAISE SYSTEM_USER TRANSACTION VERBOSE".split()
)
# "Column 'x' could not be resolved", "Unknown column: x", "Cannot automatically join: x".
_NAMED = re.compile(r"'([^']+)'|: (\S+?)\.?$")
_DEFAULT_SCHEMAS = {"sqlite": "main", "postgresql": "public"}


def canonicalise(tree: exp.Expr, schema: Schema) -> None:
    """Write every identifier as the schema does, and every alias one way, in place."""
    from sqlglot import exp

    exact, folded = _spellings(schema)
    known = dict(folded)
    folds = schema.dialect == "postgresql"
    for identifier in tree.find_all(exp.Identifier):
        name, quoted = identifier.name, bool(identifier.args.get("quoted"))
        if name in exact and (quoted or not folds):
            real = name
        elif folds:
            real = known.get(name.casefold(), name if quoted else name.lower())
        else:
            real = known.setdefault(name.casefold(), name)
        identifier.set("this", real)
        _quote(identifier, exact, schema.dialect)


def _quote(identifier: exp.Identifier, exact: Collection[str], dialect: str) -> None:
    """Quote what needs it, and leave as it is what is no name of the schema."""
    kept = identifier.args.get("quoted") and identifier.name not in exact
    identifier.set("quoted", bool(kept or needs_quotes(identifier.name, dialect)))


@lru_cache(maxsize=20_000)
def needs_quotes(name: str, dialect: str) -> bool:
    """Whether the database reads a bare name as something else."""
    return not _PLAIN[dialect].fullmatch(name) or name.upper() in _keywords(dialect)


@lru_cache(maxsize=2)
def _keywords(dialect: str) -> frozenset[str]:
    from sqlglot.dialects.dialect import Dialect

    names = {"sqlite": "sqlite", "postgresql": "postgres"}
    tokenizer = Dialect.get_or_raise(names[dialect]).tokenizer_class
    return frozenset(word.partition(" ")[0] for word in tokenizer.KEYWORDS) - _USUAL | _RESERVED


@once_per_schema
def _spellings(schema: Schema) -> tuple[frozenset[str], Mapping[str, str]]:
    """All names, and the one that each is written as by what case folding makes of it: one in small letters first."""
    names: list[str] = []
    for table in schema.tables:
        names.extend(table.name.split("."))
        names.extend(column.name for column in table.columns)
    folded: dict[str, str] = {}
    for name in names:
        if folded.setdefault(name.casefold(), name) != name and name == name.lower():
            folded[name.casefold()] = name
    return frozenset(names), folded


@once_per_schema
def table_map(schema: Schema) -> Mapping[str, SchemaTable]:
    """Tables by name, and those of the default schema by qualified name too."""
    default = _DEFAULT_SCHEMAS[schema.dialect]
    found: dict[str, SchemaTable] = {}
    for table in schema.tables:
        found[table.name] = table
        if "." not in table.name:
            found[f"{default}.{table.name}"] = table
    return found


def check_tables(tree: exp.Expr, schema: Schema) -> tuple[str, ...]:
    """The stored tables that are read, sorted. Raises SqlRejected for one that is not known.

    Scopes decide what is a stored table: a common table expression hides one only where it is visible.
    """
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import traverse_scope

    known = table_map(schema)
    read: set[str] = set()
    seen: set[int] = set()
    try:
        for scope in traverse_scope(tree):
            for node, source in scope.selected_sources.values():
                if isinstance(node, exp.Table):
                    seen.add(id(node))
                    if not is_series(node) and (isinstance(source, exp.Table) or node.db):
                        read.add(_known_table(node, known))
    except SqlglotError as error:
        raise SqlRejected("tables", f"The tables are not understood: {error}") from None
    for table in tree.find_all(exp.Table):
        if id(table) not in seen and not is_series(table):
            read.add(_known_table(table, known))
    return tuple(sorted(read))


def _known_table(node: exp.Table, known: Mapping[str, SchemaTable]) -> str:
    from sqlglot import exp

    name = ".".join(part.name for part in node.parts)
    if not isinstance(node.this, exp.Identifier) or name not in known:
        raise refusal("tables", f"There is no table {name[:100]} that may be read.", node)
    return known[name].name


def qualify(tree: exp.Expr, schema: Schema) -> exp.Expr:
    """A copy with every column qualified by its source and every star written out.

    Raises SqlRejected for a column that is not known, ambiguous, or a whole row.
    """
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify_columns import qualify_columns, validate_qualify_columns
    from sqlglot.optimizer.qualify_tables import qualify_tables
    from sqlglot.schema import MappingSchema

    names = {"sqlite": "sqlite", "postgresql": "postgres"}
    known = table_map(schema)
    copy = tree.copy()
    has_series = without_series(copy)
    tables = list(copy.find_all(exp.Table))
    _flatten(tables, known)
    used = {table.name for table in tables}
    # An empty mapping would let everything pass.
    read = [table for table in known.values() if table.name in used] or list(known.values())
    mapping = MappingSchema(
        {table.name: {column.name: "text" for column in table.columns} for table in read},
        dialect=names[schema.dialect],
        normalize=False,
    )
    try:
        copy = qualify_tables(copy, dialect=names[schema.dialect])
        copy = qualify_columns(copy, mapping)
        validate_qualify_columns(copy)
    except SqlglotError as error:
        raise _column_refusal(str(error), tree) from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise SqlRejected(
            "columns", "The columns of the statement are not understood. Write it more plainly."
        ) from None
    for row in copy.find_all(exp.TableColumn):
        raise refusal("columns", "A whole row may not be read as one value. Name its columns.", row)
    for star in copy.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count):
            raise refusal("columns", "A star may stand in COUNT(*) or alone in a SELECT list only.", star)
    for table in copy.find_all(exp.Table):
        _unflatten(table, schema.dialect)
    if has_series:
        with_series(copy)
    exact = _spellings(schema)[0]
    for identifier in copy.find_all(exp.Identifier):
        _quote(identifier, exact, schema.dialect)
    return copy


def _flatten(tables: Sequence[exp.Table], known: Mapping[str, SchemaTable]) -> None:
    """Give every table an alias as it is written, and write schema-qualified ones as one identifier.

    sqlglot would fold an alias of its own making, and its mapping has one level.
    """
    from sqlglot import exp

    for table in tables:
        if not table.alias:
            table.set("alias", exp.TableAlias(this=table.this.copy()))
        if table.db:
            real = known[".".join(part.name for part in table.parts)].name
            table.set("this", exp.to_identifier(real, quoted=True))
            table.set("db", None)


def _unflatten(table: exp.Table, dialect: str) -> None:
    from sqlglot import exp

    if "." in table.name:
        db, _, name = table.name.partition(".")
        table.set("db", exp.to_identifier(db, quoted=needs_quotes(db, dialect)))
        table.set("this", exp.to_identifier(name, quoted=needs_quotes(name, dialect)))


def _column_refusal(message: str, tree: exp.Expr) -> SqlRejected:
    """The optimizer's words without its own way to say where, and the column's place."""
    from sqlglot import exp

    first = message.splitlines()[0] if message else "A column is not known."
    problem = re.sub(r"\.? Line: \d+, Col: \d+", "", first)[:200].rstrip(".") + "."
    quoted = _NAMED.search(problem)
    wanted = (quoted[1] or quoted[2] or "").casefold() if quoted else ""
    for identifier in tree.find_all(exp.Identifier):
        if wanted and identifier.name.casefold() == wanted:
            return refusal("columns", problem, identifier)
    return SqlRejected("columns", problem)
