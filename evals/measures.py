"""Show what suites return, compare it with their last run, and keep it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from service.evaluation.compare import in_words
from service.evaluation.page import render
from service.evaluation.reports import Confidence, Measure, Outcome, Report, share, show
from service.evaluation.runs import changes, run_of, save

RESULTS = Path(__file__).parent / "results"

__all__ = ["Confidence", "Measure", "Outcome", "Report", "finish", "share", "show"]


def finish(reports: Sequence[Report], name: str = "eval", asked: str = "") -> int:
    """Print and keep the reports in a JSON and an HTML file of their own under evals/results.

    Returns the exit code: 1 when a target is missed or a suite got worse since its last run, else 0.
    """
    run = run_of(name, asked, reports)
    found = changes(run, RESULTS)
    path = save(run, RESULTS)
    page = path.with_suffix(".html")
    page.write_text(render(run, found))
    print(show(reports))
    print(in_words(found) or "There is no earlier run to compare with.")
    print(f"Kept in {path}\n    and {page}")
    return int(any(change.worse for change in found) or not all(report.good for report in reports))
