"""Outcomes and reports for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.evaluation.reports import Measure, Outcome, Report, share


def outcome(name: str, right: bool, **more: Any) -> Outcome:
    values: dict[str, Any] = {"models": ("gpt-4o",), "seconds": 1.0, "category": "sql"}
    return Outcome(id=name, question=f"What is {name}?", right=right, **values | more)


def outcomes(pattern: str, **more: Any) -> list[Outcome]:
    """One for each letter: + is right, - is wrong."""
    return [outcome(f"q{number}", sign == "+", **more) for number, sign in enumerate(pattern)]


def report(items: Sequence[Outcome], *measures: Measure, **more: Any) -> Report:
    return Report("shop", [share("right", [item.right for item in items]), *measures], outcomes=items, **more)
