"""Joins that multiply rows for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.sql_guard_place import place, refusal

if TYPE_CHECKING:
    from sqlglot import exp


def check_joins(qualified: exp.Expr) -> None:
    """Refuse tables that no condition ties to the others, that no ON clause filters and that have many rows.

    A tie is an equality between columns of two tables, or one comparison of order between them: that a value is
    another one, or that one of many alternatives holds, ties nothing. Every column must be qualified.
    Raises SqlRejected.
    """
    from sqlglot import exp

    for select in qualified.find_all(exp.Select):
        sources = _sources(select)
        if len(sources) < 2:
            continue
        groups = {name: name for name in sources}
        bounded = {name for name, source in sources.items() if _is_one_row(source)}
        ordered: list[list[str]] = []
        for condition, is_on in _conditions(select):
            names = sorted(_tables_of(condition))
            if is_on and len(names) == 1 and isinstance(condition, exp.EQ) and _names_one(condition):
                bounded.update(names)
            for tied in _tied(condition):
                _join(groups, tied)
            if isinstance(condition, _orders()) and len(names) > 1:
                ordered.append(names)
        for names in ordered:
            if len({_root(groups, name) for name in names if name in groups}) > 1:
                _join(groups, names)
                break
        _refuse_free(sources, groups, bounded)


def _names_one(equality: exp.EQ) -> bool:
    """Whether one value is asked for: ANY asks for each of many."""
    from sqlglot import exp

    return equality.find(exp.Literal) is not None and equality.find(exp.Any) is None


def _refuse_free(sources: dict[str, exp.Expr], groups: dict[str, str], bounded: set[str]) -> None:
    # What is tied to an outer query is bounded by it.
    bounded |= groups.keys() - sources.keys()
    bounded_roots = {_root(groups, name) for name in bounded if name in groups}
    free = {_root(groups, name): name for name in sources if _root(groups, name) not in bounded_roots}
    if len(free) > 1:
        names = sorted(free.values())
        raise refusal(
            "cartesian product",
            f"No equality joins {' and '.join(names)}. Join them ON their keys.",
            sources[max(names, key=lambda name: place(sources[name]))],
        )


def _tied(condition: exp.Expr) -> list[list[str]]:
    """The groups of tables that a condition surely makes equal in something."""
    from sqlglot import exp

    if isinstance(condition, exp.Paren):
        return _tied(condition.this)
    if isinstance(condition, exp.And):
        return [*_tied(condition.this), *_tied(condition.expression)]
    if isinstance(condition, exp.Or):
        both = [{tuple(group) for group in _tied(side)} for side in (condition.this, condition.expression)]
        return [list(group) for group in both[0] & both[1]]
    if isinstance(condition, (exp.EQ, exp.NullSafeEQ)):
        return _between_sides(condition.this, condition.expression)
    if isinstance(condition, exp.Exists) or (isinstance(condition, exp.In) and condition.args.get("query")):
        return [sorted(_tables_of(condition))]
    return []


def _between_sides(left: exp.Expr, right: exp.Expr) -> list[list[str]]:
    names = [_tables_of(side) for side in (left, right)]
    return [sorted(names[0] | names[1])] if all(names) and names[0].isdisjoint(names[1]) else []


def _tables_of(condition: exp.Expr) -> set[str]:
    """The sources that a condition speaks of, without those of the queries inside it."""
    from sqlglot import exp

    inner = {name for select in condition.find_all(exp.Select) for name in _sources(select)}
    return {column.table for column in condition.find_all(exp.Column)} - inner


def _orders() -> tuple[type[exp.Expr], ...]:
    from sqlglot import exp

    return (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.Like, exp.ILike)


def _join(groups: dict[str, str], names: list[str]) -> None:
    for name in names:
        groups.setdefault(name, name)
        groups[_root(groups, name)] = _root(groups, names[0])


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
