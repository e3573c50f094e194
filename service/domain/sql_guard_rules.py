"""What a statement may be made of: the allow-lists of the SQL guard.

Names of sqlglot node classes are kept as text, so that nothing imports sqlglot before a statement is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.sql_guard_growth import check_format, check_replace
from service.domain.sql_guard_place import refusal, shown
from service.domain.sql_guard_series import SERIES, check_series, is_series

if TYPE_CHECKING:
    from sqlglot import exp

_QUERY = """
Select Union Except Intersect Subquery From Join Where Group Having Order Ordered Limit Offset Fetch LimitOptions
Distinct With CTE Table TableAlias Alias Star Paren Tuple Column Identifier Literal Boolean Null Window WindowSpec
Filter WithinGroup Rollup Cube GroupingSets Interval IntervalSpan Var DataType DataTypeParam AtTimeZone
"""
_OPERATORS = """
Add Sub Mul Div IntDiv Mod Neg DPipe EQ NEQ GT GTE LT LTE Is Not And Or Like ILike Between In Escape Glob SimilarTo
NullSafeEQ NullSafeNEQ Any All BitwiseAnd BitwiseOr BitwiseNot JSONPath JSONPathRoot JSONPathKey JSONPathSubscript
"""
_FUNCTIONS = """
Abs Avg Case If Cast Ceil Floor Coalesce Nullif Greatest Least Concat ConcatWs Count Sum Min Max Median Mode
PercentileCont PercentileDisc Stddev StddevPop StddevSamp Variance VariancePop Corr CovarPop CovarSamp Round Trunc
Sign Sqrt Pow Exp Ln Log Lower Upper Initcap Length Left Right Substring StrPosition SplitPart Trim Reverse Replace
StartsWith Contains RegexpLike RegexpILike DateTrunc TimestampTrunc DateDiff DateAdd DateSub Extract Year Month Day
Quarter Week DayOfWeek DayOfMonth DayOfYear Hour Minute Second CurrentDate CurrentTimestamp CurrentTime Localtimestamp
Date Datetime Time TimeToStr StrToDate StrToTime StrToUnix TimeToUnix UnixToTime TsOrDsToTimestamp TsOrDsToDate
TimeStrToTime ToChar ToNumber DateFromParts DateBin JustifyDays JustifyHours JustifyInterval RowNumber Rank DenseRank
PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue GroupConcat LogicalAnd LogicalOr Exists Collate
Grouping Format WidthBucket Rand Chr Unicode ArrayAgg JSONExtract JSONExtractScalar JSONBExtract JSONBExtractScalar
"""
ALLOWED_NODES = frozenset(f"{_QUERY} {_OPERATORS} {_FUNCTIONS}".split())

# Functions that sqlglot has no class of its own for, by dialect.
ALLOWED_NAMES = {
    "sqlite": frozenset(
        "date datetime time julianday unixepoch strftime timediff printf format total instr char_length ifnull "
        "min max likely unlikely typeof".split()
    ),
    "postgresql": frozenset(
        "date_part to_char to_date to_timestamp age make_date make_interval isfinite char_length justify_days".split()
    ),
}
_TYPES = frozenset(
    "INT BIGINT SMALLINT TINYINT FLOAT DOUBLE DECIMAL TEXT VARCHAR CHAR NCHAR NVARCHAR BPCHAR DATE DATETIME TIMESTAMP "
    "TIMESTAMPTZ TIMESTAMPNTZ TIME TIMETZ BOOLEAN INTERVAL UUID JSON JSONB".split()
)
_WORDS = frozenset(
    "YEAR YEARS QUARTER QUARTERS MONTH MONTHS WEEK WEEKS DAY DAYS HOUR HOURS MINUTE MINUTES SECOND SECONDS DOW ISODOW "
    "DOY EPOCH ISOYEAR DECADE CENTURY MILLENNIUM MILLISECOND MILLISECONDS MICROSECOND MICROSECONDS NOCASE BINARY "
    "RTRIM".split()
)
_MAX_TYPE_LENGTH = 10_000
_WRITES = frozenset(
    "Insert Update Delete Merge Create Drop Alter TruncateTable Copy Command Set Use Pragma Attach Detach".split()
)
_FORMATS = frozenset(("format", "printf"))
_JOINS = frozenset(("", "INNER", "OUTER", "CROSS", "LEFT", "RIGHT", "FULL"))
# What people know these by.
_PLAIN_NAMES = {
    "Dot": "A name with a schema before a function, or a field of a row,",
    "ObjectIdentifier": "A cast to a type of the system catalog",
    "Parameter": "A parameter",
    "Placeholder": "A parameter",
    "UnicodeString": "A text with escapes",
    "ByteString": "A text with escapes",
    "Operator": "An operator with a schema",
    "Values": "VALUES",
    "CurrentUser": "The name of the role",
    "SessionUser": "The name of the role",
    "CurrentVersion": "The version of the server",
}


def check_nodes(tree: exp.Expr, dialect: str) -> None:
    """Refuse every node that no allow-list names. Raises SqlRejected."""
    for node in tree.walk():
        kind = type(node).__name__
        if kind == "Anonymous":
            _check_name(node, dialect)
        elif kind in SERIES and dialect == "postgresql":
            check_series(node, tree)
        elif kind == "Array" and dialect == "postgresql":
            _check_array(node)
        elif kind == "Lock":
            raise refusal("locking", "FOR UPDATE and FOR SHARE lock rows, which a question never needs.", node)
        elif kind == "Into":
            raise refusal("write", "SELECT INTO creates a table.", node)
        elif kind in _WRITES:
            raise refusal("read only", f"Only SELECT is allowed, and {kind.upper()} changes something.", node)
        elif kind not in ALLOWED_NODES:
            what = _PLAIN_NAMES.get(kind, f"The element {kind}")
            raise refusal("element", f"{what} in {shown(node)} is not on the list of allowed ones.", node)
        _check_details(node, kind)
        if dialect == "sqlite":
            _check_sqlite(node, kind)


def _check_name(node: exp.Expr, dialect: str) -> None:
    name = node.name.lower()
    if name == "all" and dialect == "postgresql" and [type(n).__name__ for n in node.expressions] == ["Array"]:
        return
    if name not in ALLOWED_NAMES[dialect]:
        raise refusal("function", f"The function {name.upper()[:60]} is not on the list of allowed ones.", node)
    if name in _FORMATS:
        check_format(node)


def _check_array(node: exp.Expr) -> None:
    """A list of values that ANY or ALL compares with, as IN would."""
    parent = node.parent
    while type(parent).__name__ == "Paren":
        parent = parent.parent if parent else None
    compares = parent is not None and (type(parent).__name__ == "Any" or parent.name.lower() == "all")
    values = [item.this if type(item).__name__ in ("Neg", "Cast") else item for item in node.expressions]
    if not compares or not all(type(item).__name__ in ("Literal", "Null", "Boolean") for item in values):
        raise refusal("element", f"An array may only hold plain values, after ANY or ALL: {shown(node)}.", node)


def _check_sqlite(node: exp.Expr, kind: str) -> None:
    """What SQLite lacks, and what would be written for it would mean something else."""
    if kind in ("Any", "All") or (kind == "Distinct" and node.args.get("on")):
        raise refusal("element", f"SQLite has no {'DISTINCT ON' if kind == 'Distinct' else kind.upper()}.", node)


def _check_details(node: exp.Expr, kind: str) -> None:
    match kind:
        case "DataType" if node.this.name not in _TYPES:
            raise refusal("type", f"A cast to the type {shown(node)} is not on the list of allowed ones.", node)
        case "DataTypeParam" if not (node.name.isdigit() and int(node.name) <= _MAX_TYPE_LENGTH):
            raise refusal("type", f"The length {shown(node)} of a type is too large.", node)
        case "Var" if node.name.upper() not in _WORDS:
            raise refusal("element", f"The word {node.name[:60]} is not on the list of allowed ones.", node)
        case "Replace":
            check_replace(node)
        case "Format":
            check_format(node)
        case "Column" if node.args.get("db") or node.args.get("catalog"):
            raise refusal("columns", f"The column {shown(node)} must be qualified by its table or alias alone.", node)
        case "With" if node.args.get("recursive"):
            _check_recursion(node)
        case "Join":
            _check_join(node)
        case _:
            _check_shape(node, kind)


def _check_shape(node: exp.Expr, kind: str) -> None:
    if kind == "Select" and not node.args.get("expressions"):
        raise refusal("element", "A SELECT must name what it reads.", node)
    named = kind == "TableAlias" and node.args.get("columns") and type(node.parent).__name__ == "Table"
    if named and node.parent and not is_series(node.parent):
        raise refusal("columns", "The columns of a stored table may not get other names by position.", node)


def _check_join(node: exp.Expr) -> None:
    """NATURAL joins by columns that the statement does not name, and those may be hidden ones."""
    words = [str(node.args.get(part) or "").upper() for part in ("method", "side", "kind")]
    if not _JOINS.issuperset(words):
        raise refusal("columns", f"A {' '.join(filter(None, words))} JOIN is not allowed. Join ON the keys.", node)


def _check_recursion(node: exp.Expr) -> None:
    """A recursion ends for sure when it is distinct and yields only stored values."""
    for cte in node.expressions:
        body = cte.this
        if not any(table.name.lower() == cte.alias.lower() for table in body.find_all(_table_class())):
            continue
        plain = type(body).__name__ == "Union" and all(
            type(projection.unalias()).__name__ == "Column" for projection in body.right.selects
        )
        if not plain or not body.args.get("distinct"):
            raise refusal(
                "recursion",
                "A recursive query must join its parts with UNION (not UNION ALL) and select plain columns.",
                cte,
            )


def _table_class() -> type[exp.Table]:
    from sqlglot import exp

    return exp.Table
