"""Whether a confidence means what it says: expected calibration error (Naeini et al., 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose confidence lies from low to high: how many, how sure on average, and what share was right."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


def bins(confidences: Sequence[float], right: Sequence[bool], count: int = BINS) -> list[Bin]:
    """Bins of equal width from 0 to 1, without the empty ones."""
    found: list[Bin] = []
    for index in range(count):
        inside = [i for i, value in enumerate(confidences) if min(count - 1, int(value * count)) == index]
        if inside:
            mean = fmean(confidences[i] for i in inside)
            share = fmean(right[i] for i in inside)
            found.append(Bin(index / count, (index + 1) / count, len(inside), mean, share))
    return found


def calibration_error(found: Sequence[Bin]) -> float:
    """How far the confidence is from the share that is right, on average over all answers."""
    return sum(item.n * abs(item.confidence - item.right) for item in found) / max(1, sum(item.n for item in found))
