"""What one SELECT reads from, by alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def ambiguous_is_same(name: str, aliases: list[str], select: exp.Select) -> bool:
    """Whether a bare name that several joined tables have is the same in all of them, because they are joined on it."""
    from sqlglot import exp

    pairs = [
        equality
        for equality in select.find_all(exp.EQ)
        if isinstance(equality.this, exp.Column) and isinstance(equality.expression, exp.Column)
        and equality.this.name.lower() == equality.expression.name.lower() == name.lower()
    ]  # fmt: skip
    return len(pairs) >= len(aliases) - 1


def is_known_name(name: str, select: exp.Select) -> bool:
    """Whether a bare name may be an output's alias, or a column of a derived table or an outer query."""
    from sqlglot import exp

    aliases = {item.alias.lower() for item in select.selects if item.alias}
    plain = all(isinstance(source, exp.Table) for source in _parts(select)) and select.parent_select is None
    return name.lower() in aliases or not plain


def _parts(select: exp.Select) -> list[exp.Expr]:
    from_clause = select.args.get("from_")
    parts: list[exp.Expr] = [from_clause.this] if from_clause else []
    parts.extend(join.this for join in select.args.get("joins") or ())
    return parts


def sources(select: exp.Select) -> dict[str, str]:
    """Stored tables of one SELECT by lower-case alias."""
    from sqlglot import exp

    return {part.alias_or_name.lower(): part.name.lower() for part in _parts(select) if isinstance(part, exp.Table)}


def derived(select: exp.Select) -> dict[str, str]:
    """Aliases of derived tables of one SELECT."""
    from sqlglot import exp

    return {part.alias_or_name.lower(): "" for part in _parts(select) if not isinstance(part, exp.Table)}
