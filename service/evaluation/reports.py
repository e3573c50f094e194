"""What a suite returns: figures with their targets, and each question as it came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a part of the service was, from 0 to 1, and whether that part was right. of is "routing" or "sql"."""

    of: str
    value: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One question and how it came out.

    id is the same in every run; category groups questions of a suite, empty for none. problem says in a few words
    why it is not right. expected and got are for a person to read, citations are "file page". seconds is the wall
    time, None where it was not measured. unpriced are the models that cost_usd leaves out.
    """

    id: str
    question: str
    right: bool
    category: str = ""
    problem: str = ""
    expected: str = ""
    got: str = ""
    citations: tuple[str, ...] = ()
    sql: str = ""
    confidences: tuple[Confidence, ...] = ()
    seconds: float | None = None
    cached: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    cost_usd: float = 0.0
    models: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """A value over n cases. target is the least it may be, the most with at_most, None for information.

    With the unit % it is a share of n cases.
    """

    name: str
    value: float
    n: int
    unit: str = "%"
    target: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        """OVER or UNDER where the target is missed, else empty."""
        if self.target is None or self.value == self.target or (self.value < self.target) is self.at_most:
            return ""
        return "OVER" if self.at_most else "UNDER"

    @property
    def lower_is_better(self) -> bool | None:
        """None where it is neither."""
        if self.target is None and self.unit not in ("%", "s", "ms"):
            return None
        return self.at_most or self.unit in ("s", "ms")


@dataclass(frozen=True, slots=True)
class Report:
    """What one suite measured.

    A suite needs suite and measures. outcomes, one a question, give it its place in charts, in the list of failures
    and in the comparison with the last run; a held-out set leaves them out and is compared by its measures. cases
    are kept beside them as they are, for what does not fit into an Outcome. data is the hash of what was asked, and
    models are named here only where no outcome names them: runs are compared when both are the same.
    """

    suite: str
    measures: list[Measure]
    cases: Sequence[dict[str, Any]] = ()
    outcomes: Sequence[Outcome] = ()
    data: str = ""
    models: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every target is reached."""
        return not any(measure.verdict for measure in self.measures)

    @property
    def used_models(self) -> tuple[str, ...]:
        """Every model that was used, in the order of the alphabet."""
        return tuple(sorted({*self.models, *(model for item in self.outcomes for model in item.models)}))


def share(name: str, held: Sequence[bool], target: float | None = None, *, at_most: bool = False) -> Measure:
    """The percentage of cases that hold, 0 of none."""
    return Measure(name, 100 * sum(held) / max(1, len(held)), len(held), target=target, at_most=at_most)


def show(reports: Sequence[Report]) -> str:
    """A table of plain text."""
    rows = [("", "value", "target", "n")]
    for report in reports:
        rows.append((report.suite, "", "", ""))
        for measure in report.measures:
            value = f"{measure.value:.3g} {measure.unit} {measure.verdict}".rstrip()
            rows.append((f"  {measure.name}", value, target_of(measure), str(measure.n)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def target_of(measure: Measure) -> str:
    """A target in words, empty without one."""
    if measure.target is None:
        return ""
    return f"{'at most' if measure.at_most else 'at least'} {measure.target:g} {measure.unit}".rstrip()
