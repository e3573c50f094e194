"""Intervals, tests and calibration of shares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.evaluation.reports import Confidence

Z95 = 1.959964
BINS = 10


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927), from 0 to 1; all of it without any cases."""
    if not n:
        return 0.0, 1.0
    share, spread = right / n, Z95**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def sign_test(one: int, other: int) -> float:
    """How likely pairs that differ fall so unevenly by chance, two-sided and exact: McNemar's test of two runs."""
    n, fewer = one + other, min(one, other)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)


def proportions_test(before: float, n_before: int, now: float, n_now: int) -> float:
    """How likely two shares of unpaired cases differ so much by chance, two-sided, by the normal approximation."""
    pooled = (before * n_before + now * n_now) / (n_before + n_now)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / n_before + 1 / n_now))
    return math.erfc(abs(now - before) / deviation / math.sqrt(2)) if deviation else 1.0


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that this share of an ascending sequence does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases whose confidence is from low to high: how many, how sure on average, and what share was right."""

    low: float
    high: float
    n: int
    confidence: float
    right: int

    @property
    def share(self) -> float:
        """Of those that were right."""
        return self.right / self.n


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins that hold a case, in ascending order, and the expected calibration error (Naeini et al., 2015)."""

    bins: tuple[Bin, ...]
    error: float
    n: int


def calibration(told: Iterable[Confidence], count: int = BINS) -> Calibration:
    """So many bins of equal width."""
    groups: dict[int, list[Confidence]] = {}
    for item in told:
        groups.setdefault(min(count - 1, int(item.value * count)), []).append(item)
    bins = tuple(
        Bin(
            place / count,
            (place + 1) / count,
            len(group),
            sum(item.value for item in group) / len(group),
            sum(item.right for item in group),
        )
        for place, group in sorted(groups.items())
    )
    n = sum(item.n for item in bins)
    return Calibration(bins, sum(item.n * abs(item.confidence - item.share) for item in bins) / max(1, n), n)
