"""What `ragsql eval` shows: a bar meanwhile, then a table of results, what is wrong and what changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from service.cli.output import console, error_console, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from service.evaluation.compare import SuiteChange
    from service.evaluation.reports import Outcome
    from service.evaluation.runs import Run

_SHOWN_WRONG = 20


class View:
    """A bar on standard error if a person watches. total is in questions."""

    def __init__(self, total: int, as_json: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
        )
        self._as_json = as_json
        watched = error_console().is_terminal and not as_json
        self._bar = Progress(*columns, console=error_console(), transient=True, disable=not watched)
        self._task = self._bar.add_task("", total=total)
        self._right = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def follow(self, outcome: Outcome) -> None:
        """Count a question that was answered."""
        self._right += outcome.right
        self._bar.update(self._task, advance=1, description=f"{self._right} right")

    def show(self, run: Run, changes: Sequence[SuiteChange], page: Path) -> None:
        """What came out, and where it is kept."""
        from service.evaluation.compare import in_words

        outcomes = run.reports[0].outcomes
        if self._as_json:
            right = sum(outcome.right for outcome in outcomes)
            print_json(
                {"right": right, "questions": len(outcomes), **asdict(run), "changes": [asdict(c) for c in changes]}
            )
            return
        console().print(_table(outcomes))
        wrong = [outcome for outcome in outcomes if not outcome.right]
        for outcome in wrong[:_SHOWN_WRONG]:
            console().print(f"{outcome.id}: {outcome.question}\n    {outcome.problem}", markup=False)
        if len(wrong) > _SHOWN_WRONG:
            console().print(f"… and {len(wrong) - _SHOWN_WRONG} more that are wrong.")
        console().print(in_words(changes) or "There is no earlier run to compare with.", markup=False)
        console().print(f"The whole run: {page}", markup=False)


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich.table import Table

    table = Table()
    for name, side in (("route", "left"), ("right", "right"), ("95 % interval", "left"), ("routed", "right")):
        table.add_column(name, justify=side)  # pyright: ignore[reportArgumentType]
    for name in ("p50", "tokens", "US dollars"):
        table.add_column(name, justify="right")
    routes = dict.fromkeys(outcome.category for outcome in outcomes)
    for route in routes:
        table.add_row(route, *_cells([outcome for outcome in outcomes if outcome.category == route]))
    if len(routes) > 1:
        table.add_section()
        table.add_row("all", *_cells(outcomes))
    return table


def _cells(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    import statistics

    from service.evaluation.statistics import wilson

    right = sum(outcome.right for outcome in outcomes)
    low, high = wilson(right, len(outcomes))
    routed = [told.right for outcome in outcomes for told in outcome.confidences if told.of == "routing"]
    times = [outcome.seconds for outcome in outcomes if outcome.seconds is not None and not outcome.cached]
    tokens = sum(item.input_tokens + item.output_tokens + item.embedding_tokens for item in outcomes)
    cost = sum(outcome.cost_usd for outcome in outcomes)
    return (
        f"{right}/{len(outcomes)}",
        f"{100 * low:.0f} to {100 * high:.0f} %",
        f"{sum(routed)}/{len(routed)}" if routed else "",
        f"{statistics.median(times):.2f} s" if times else "cached",
        f"{tokens:,}",
        "unknown" if any(outcome.unpriced for outcome in outcomes) else f"{cost:.4f}",
    )
