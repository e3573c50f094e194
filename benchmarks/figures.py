"""What a benchmark returns, and how it is shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value of n samples. limit is the most it may be, None for information; peer is what it stands beside.

    least says that limit is the least it may be instead. unit is "x" for ratios, which alone compare between machines.
    """

    name: str
    value: float
    unit: str
    n: int
    limit: float | None = None
    peer: str = ""
    least: bool = False

    @property
    def good(self) -> bool:
        """Whether it is within its limit."""
        return self.limit is None or (self.value >= self.limit if self.least else self.value <= self.limit)


def show(figures: Sequence[Figure]) -> str:
    """A table of plain text."""
    rows = [("", "value", "limit", "n", "beside")]
    for figure in figures:
        limit = "" if figure.limit is None else f"{'from ' * figure.least}{figure.limit:g} {figure.unit}"
        value = f"{figure.value:.3g} {figure.unit}" + ("" if figure.good else " UNDER" if figure.least else " OVER")
        rows.append((figure.name, value, limit, f"{figure.n:,}", figure.peer))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


async def milliseconds(act: Callable[[str], Awaitable[object]], questions: Sequence[str]) -> list[float]:
    """The wall time of act on each question, sorted."""
    times: list[float] = []
    for question in questions:
        start = time.perf_counter()
        await act(question)
        times.append((time.perf_counter() - start) * 1e3)
    return sorted(times)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of an ordered sequence does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of pairwise ratios: samples taken one after the other share the machine's mood."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
