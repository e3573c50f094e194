"""What changed since the last run of a suite, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.evaluation.reports import Measure, Outcome, Report
from service.evaluation.statistics import proportions_test, sign_test

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """A measure then and now. p is how likely chance alone changes it so much, None where that cannot be told."""

    before: Measure
    now: Measure
    p: float | None

    @property
    def better(self) -> bool | None:
        """None where it did not change or no side is the better one."""
        if self.before.value == self.now.value or self.now.lower_is_better is None:
            return None
        return (self.now.value < self.before.value) is self.now.lower_is_better

    @property
    def beyond_noise(self) -> bool:
        """Whether chance alone seldom changes it so much."""
        return self.p is not None and self.p < SIGNIFICANT


@dataclass(frozen=True, slots=True)
class SuiteChange:
    """A suite then and now. since is when the last run ended; common counts questions that both asked.

    newly_wrong and newly_right hold the outcomes of now. p is that of the sign test over them.
    """

    suite: str
    since: str
    common: int
    newly_wrong: tuple[Outcome, ...]
    newly_right: tuple[Outcome, ...]
    p: float
    measures: tuple[MeasureChange, ...]

    @property
    def worse(self) -> bool:
        """Fewer questions are right; where no question is known, a measure got worse beyond noise."""
        if self.common:
            return len(self.newly_wrong) > len(self.newly_right)
        return any(change.better is False and change.beyond_noise for change in self.measures)


def compare(before: Report, now: Report, since: str) -> SuiteChange:
    """Questions are the same when their id and their text are. Measures are compared over the same data alone."""
    pairs = list(_pairs(before.outcomes, now.outcomes))
    wrong = tuple(new for old, new in pairs if old.right and not new.right)
    right = tuple(new for old, new in pairs if new.right and not old.right)
    known = {measure.name: measure for measure in before.measures} if before.data == now.data else {}
    return SuiteChange(
        now.suite,
        since,
        len(pairs),
        wrong,
        right,
        sign_test(len(wrong), len(right)),
        tuple(_measures(known, now, pairs)),
    )


def _pairs(before: Sequence[Outcome], now: Sequence[Outcome]) -> Iterator[tuple[Outcome, Outcome]]:
    known = {(item.id, item.question): item for item in before}
    return ((known[item.id, item.question], item) for item in now if (item.id, item.question) in known)


def _measures(
    known: Mapping[str, Measure], now: Report, pairs: Sequence[tuple[Outcome, Outcome]]
) -> Iterator[MeasureChange]:
    for measure in now.measures:
        before = known.get(measure.name)
        if before is not None and before.unit == measure.unit:
            yield MeasureChange(before, measure, _chance(before, measure, pairs))


def _chance(before: Measure, now: Measure, pairs: Sequence[tuple[Outcome, Outcome]]) -> float | None:
    """Shares as if their cases were others, which errs to the side of noise; times by which questions took longer."""
    if before.value == now.value:
        return 1.0
    if now.unit == "%" and before.n and now.n:
        return proportions_test(before.value / 100, before.n, now.value / 100, now.n)
    if now.unit in ("s", "ms"):
        times = [(old.seconds, new.seconds) for old, new in pairs if not old.cached and not new.cached]
        longer = sum(old is not None and new is not None and new > old for old, new in times)
        shorter = sum(old is not None and new is not None and new < old for old, new in times)
        return sign_test(longer, shorter) if longer + shorter else None
    return None


def in_words(changes: Sequence[SuiteChange]) -> str:
    """What got worse and what got better, a few lines a suite that changed; empty without any last run."""
    lines: list[str] = []
    for change in changes:
        moved = [item for item in change.measures if item.better is not None and item.beyond_noise]
        if not (change.newly_wrong or change.newly_right or moved):
            lines.append(f"{change.suite}: nothing changed beyond noise since {change.since}")
            continue
        lines.append(f"{change.suite}: {'WORSE than' if change.worse else 'changed since'} {change.since}")
        if change.newly_wrong or change.newly_right:
            lines.append(
                f"  {len(change.newly_wrong)} newly wrong, {len(change.newly_right)} newly right, {noise(change.p)}"
            )
        lines += [f"  now wrong  {item.id}: {item.question}" for item in change.newly_wrong]
        lines += [f"  now right  {item.id}: {item.question}" for item in change.newly_right]
        lines += [f"  {'better' if item.better else 'worse'}  {measure_in_words(item)}" for item in moved]
    return "\n".join(lines)


def measure_in_words(change: MeasureChange) -> str:
    """A measure then and now."""
    return f"{change.now.name}: {change.before.value:.3g} → {change.now.value:.3g} {change.now.unit}".rstrip()


def noise(p: float) -> str:
    """What a probability of chance means."""
    return f"{'beyond' if p < SIGNIFICANT else 'within'} noise (p = {p:.2g})"
