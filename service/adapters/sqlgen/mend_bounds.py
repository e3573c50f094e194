"""Comparisons that hold a number which the question leaves out, or leave out one that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.rules import SMALLER_UNITS
from service.domain.stated_bounds import Bound, stated_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp


def mend_bounds(tree: exp.Expr, question: str) -> int:
    """Compare with a number as the question does: `> 10` becomes `>= 10` where it says "10 or more".

    A direction is never turned. Says how much changed.
    """
    from sqlglot import exp

    stated = stated_bounds(question)
    wordings: dict[type[exp.Expr], tuple[type[exp.Expr], bool, bool]] = {
        exp.GT: (exp.GTE, False, True), exp.GTE: (exp.GT, True, True),
        exp.LT: (exp.LTE, False, False), exp.LTE: (exp.LT, True, False),
    }  # fmt: skip
    changed = 0
    for comparison in list(tree.find_all(*wordings)) if stated else ():
        other, inclusive, above = wordings[type(comparison)]
        left, right = comparison.this, comparison.expression
        turned = isinstance(left, exp.Literal)
        number = left if turned else right
        bound = _bound(number, stated) if isinstance(number, exp.Literal) and not number.is_string else None
        if bound and bound.inclusive is not inclusive and bound.above in (None, above is not turned):
            comparison.replace(other(this=left.copy(), expression=right.copy()))
            changed += 1
    return changed


def _bound(number: exp.Literal, stated: Mapping[float, Bound]) -> Bound | None:
    """That of the number itself, or else of the only one that it is in a smaller unit."""
    value = float(number.name)
    if value in stated:
        return stated[value]
    scaled = [bound for given, bound in stated.items() if any(given * unit == value for unit in SMALLER_UNITS)]
    return scaled[0] if len(scaled) == 1 else None
