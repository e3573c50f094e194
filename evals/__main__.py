"""`python -m evals [FOLDER] [--url URL]`: score the service, say what got worse, keep JSON and HTML."""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.measures import Report, finish
from evals.suites import Suite, announce, suites


def main() -> None:
    """Print what is wrong and one table; exit with 1 when a target is missed or a suite got worse."""
    parser = argparse.ArgumentParser(prog="evals", description="Score the service.")
    parser.add_argument(
        "data", type=Path, nargs="?", help="folder of full data sets; without it the small sets inside are used"
    )
    parser.add_argument("--questions", type=Path, help="a JSONL file of questions in the music store's format")
    parser.add_argument(
        "--only", action="append", help="a suite by the beginning of its name; may be given again", metavar="SUITE"
    )
    parser.add_argument(
        "--url",
        help="a server that runs already, with the sample data and a chat model; without it one is started for each "
        "suite",
    )
    options = parser.parse_args()
    known = suites(options.data, options.questions)
    chosen = [suite for suite in known if not options.only or suite.name.startswith(tuple(options.only))]
    if not chosen:
        parser.error(f"argument --only: no suite begins so; there are {', '.join(suite.name for suite in known)}")
    reports: list[Report] = []
    for suite in chosen:
        # A server that runs already has its chat model, or none: what it has not cannot be asked of it.
        if not (options.url and isinstance(suite, Suite) and not suite.chat):
            announce(suite)
            reports.append(suite.run(options.url))
    asked = options.url or (f"data of {options.data}" if options.data else "the sets of the repository")
    raise SystemExit(finish(reports, "eval", asked))


if __name__ == "__main__":
    main()
