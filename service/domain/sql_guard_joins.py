"""Joins that multiply rows for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp


def check_joins(qualified: exp.Expr) -> None:
    """Refuse tables that no condition ties to the others, that no ON clause filters and that have many rows.

    Every column of the statement must be qualified. Raises SqlRejected.
    """
    from sqlglot import exp

    for select in qualified.find_all(exp.Select):
        sources = _sources(select)
        if len(sources) < 2:
            continue
        groups = {name: name for name in sources}
        bounded = {name for name, source in sources.items() if _is_one_row(source)}
        for condition, is_on in _conditions(select):
            names = sorted({column.table for column in condition.find_all(exp.Column)})
            if is_on and len(names) == 1 and condition.find(exp.Literal):
                bounded.update(names)
            for name in names:
                groups.setdefault(name, name)
                groups[_root(groups, name)] = _root(groups, names[0])
        # What is tied to an outer query is bounded by it.
        bounded |= groups.keys() - sources.keys()
        bounded_roots = {_root(groups, name) for name in bounded if name in groups}
        free = {_root(groups, name): name for name in sources if _root(groups, name) not in bounded_roots}
        if len(free) > 1:
            raise SqlRejected(
                "cartesian product",
                f"No condition joins {' and '.join(sorted(free.values()))}. Join them ON their keys.",
            )


def _sources(select: exp.Select) -> dict[str, exp.Expr]:
    from_clause = select.args.get("from_")
    parts: list[exp.Expr] = [from_clause.this] if from_clause else []
    parts.extend(join.this for join in select.args.get("joins") or ())
    for part in list(parts):
        parts.extend(join.this for join in part.args.get("joins") or ())
    return {part.alias_or_name: part for part in parts}


def _conditions(select: exp.Select) -> list[tuple[exp.Expr, bool]]:
    """The smallest predicates of WHERE and ON of this level, and whether each stands in an ON clause."""
    from sqlglot import exp

    where = select.args.get("where")
    roots: list[tuple[exp.Expr, bool]] = [(where.this, False)] if where else []
    for join in select.find_all(exp.Join):
        if join.parent_select is select and join.args.get("on"):
            roots.append((join.args["on"], True))
    found: list[tuple[exp.Expr, bool]] = []
    while roots:
        node, is_on = roots.pop()
        if isinstance(node, (exp.And, exp.Paren)):
            roots.extend((part, is_on) for part in node.iter_expressions())
        else:
            found.append((node, is_on))
    return found


def _is_one_row(source: exp.Expr) -> bool:
    from sqlglot import exp

    if not isinstance(source, exp.Subquery) or not isinstance(source.this, exp.Select):
        return False
    select = source.this
    limit = select.args.get("limit")
    if isinstance(limit, exp.Limit) and limit.expression.name == "1":
        return True
    return not select.args.get("group") and any(item.find(exp.AggFunc) is not None for item in select.selects)


def _root(groups: dict[str, str], name: str) -> str:
    while groups[name] != name:
        name = groups[name]
    return name
