"""What an evaluation returns, and how it is shown and kept."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Measure:
    """A value over n cases. target is the least it may be, the most with at_most, None for information."""

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


@dataclass(frozen=True, slots=True)
class Report:
    """What one suite measured. cases holds each question as it came out, empty for a held-out set."""

    suite: str
    measures: list[Measure]
    cases: Sequence[dict[str, Any]] = ()

    @property
    def good(self) -> bool:
        """Whether every target is reached."""
        return not any(measure.verdict for measure in self.measures)


def share(name: str, held: Sequence[bool], target: float | None = None, *, at_most: bool = False) -> Measure:
    """The percentage of cases that hold, 0 of none."""
    return Measure(name, 100 * sum(held) / max(1, len(held)), len(held), target=target, at_most=at_most)


def show(reports: Sequence[Report]) -> str:
    """A table of plain text."""
    rows = [("", "value", "target", "n")]
    for report in reports:
        rows.append((report.suite, "", "", ""))
        for measure in report.measures:
            side = "at most" if measure.at_most else "at least"
            target = "" if measure.target is None else f"{side} {measure.target:g} {measure.unit}"
            value = f"{measure.value:.3g} {measure.unit} {measure.verdict}".rstrip()
            rows.append((f"  {measure.name}", value, target, str(measure.n)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def keep(reports: Sequence[Report], name: str = "eval") -> Path:
    """Write the reports to a file of their own under evals/results."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}-{name}.json"
    path.write_text(json.dumps([asdict(report) for report in reports], indent=1, ensure_ascii=False))
    return path
