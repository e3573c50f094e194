"""`python -m evals [FOLDER] [--url URL]`: score the service, show one table and write one JSON file."""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.measures import Report, keep, show
from evals.suites import library_suites, served_suites


def main() -> None:
    """Print what is wrong and one table, and keep all under evals/results; exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="evals", description="Score the service.")
    parser.add_argument(
        "data", type=Path, nargs="?", help="folder of full data sets; without it the small sets inside are used"
    )
    parser.add_argument("--questions", type=Path, help="a JSONL file of questions in the music store's format")
    parser.add_argument(
        "--url",
        help="a server that runs already, with the sample data and a chat model; without it one is started for each "
        "suite",
    )
    options = parser.parse_args()
    suites = served_suites(options.data, options.questions)
    reports: list[Report] = [suite.run(options.url) for suite in suites if suite.chat or not options.url]
    reports += [run() for run in library_suites(options.data)] if options.data else []
    print(show(reports))
    print(f"Kept in {keep(reports)}")
    raise SystemExit(not all(report.good for report in reports))


if __name__ == "__main__":
    main()
