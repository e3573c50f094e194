"""What a statement may be made of: the allow-lists of the SQL guard.

Names of sqlglot node classes are kept as text, so that nothing imports sqlglot before a statement is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import SqlRejected

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
Grouping WidthBucket Rand Chr Unicode ArrayAgg JSONExtract JSONExtractScalar JSONBExtract JSONBExtractScalar
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
    "DOY EPOCH ISOYEAR DECADE CENTURY MILLENNIUM MILLISECONDS MICROSECONDS NOCASE BINARY RTRIM".split()
)
_MAX_REPLACEMENT = 20
_MAX_NESTED_REPLACE = 3
_MAX_TYPE_LENGTH = 10_000


def check_nodes(tree: exp.Expr, dialect: str) -> None:
    """Refuse every node that no allow-list names. Raises SqlRejected."""
    for node in tree.walk():
        kind = type(node).__name__
        if kind == "Anonymous":
            if node.name.lower() not in ALLOWED_NAMES[dialect]:
                raise SqlRejected("function", f"The function {node.name.upper()} is not on the list of allowed ones.")
        elif kind == "Lock":
            raise SqlRejected("locking", "FOR UPDATE and FOR SHARE lock rows, which a question never needs.")
        elif kind == "Into":
            raise SqlRejected("write", "SELECT INTO creates a table.")
        elif kind not in ALLOWED_NODES:
            raise SqlRejected("element", f"The element {kind} in {_shown(node)} is not on the list of allowed ones.")
        _check_details(node, kind)


def _check_details(node: exp.Expr, kind: str) -> None:
    if kind == "DataType" and node.this.name not in _TYPES:
        raise SqlRejected("type", f"A cast to the type {_shown(node)} is not on the list of allowed ones.")
    if kind == "DataTypeParam" and not (node.name.isdigit() and int(node.name) <= _MAX_TYPE_LENGTH):
        raise SqlRejected("type", f"The length {_shown(node)} of a type is too large.")
    if kind == "Var" and node.name.upper() not in _WORDS:
        raise SqlRejected("element", f"The word {node.name} is not on the list of allowed ones.")
    if kind == "Replace":
        _check_replace(node)
    if kind == "Column" and (node.args.get("db") or node.args.get("catalog")):
        raise SqlRejected("columns", f"The column {_shown(node)} must be qualified by its table or alias alone.")
    if kind == "With" and node.args.get("recursive"):
        _check_recursion(node)


def _check_replace(node: exp.Expr) -> None:
    """Nested replacements by longer texts grow without bound."""
    depth, parent = 0, node.parent
    while parent is not None:
        depth += type(parent).__name__ == "Replace"
        parent = parent.parent
    replacement = node.args.get("replacement")
    literal = replacement is None or type(replacement).__name__ == "Literal"
    if depth >= _MAX_NESTED_REPLACE or not literal or len(replacement.name if replacement else "") > _MAX_REPLACEMENT:
        raise SqlRejected("function", "REPLACE may nest three times and put in at most 20 literal characters.")


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
            raise SqlRejected(
                "recursion",
                "A recursive query must join its parts with UNION (not UNION ALL) and select plain columns.",
            )


def _table_class() -> type[exp.Table]:
    from sqlglot import exp

    return exp.Table


def _shown(node: exp.Expr) -> str:
    text = node.sql(comments=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
