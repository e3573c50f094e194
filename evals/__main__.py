"""`python -m evals [FOLDER] [--url URL]`: score the service and write one JSON file."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from evals import musicstore
from evals.documents_text import plain_text
from evals.musicstore import Graded
from evals.server import served
from service import samples

HERE = Path(__file__).parent
ROUTES = ("documents", "sql", "hybrid")


def main() -> None:
    """Ask every question of the set, print what came out, and keep it under evals/results."""
    parser = argparse.ArgumentParser(prog="evals", description="Score the service on the music store's questions.")
    parser.add_argument(
        "data", type=Path, nargs="?", help="folder of full data sets; without it the small set inside is used"
    )
    parser.add_argument("--questions", type=Path, help="a JSONL file of questions in the music store's format")
    parser.add_argument("--url", help="a server that runs already with the sample data; without it one is started")
    options = parser.parse_args()
    default = options.data / "musicstore" / "questions_dev.jsonl" if options.data else HERE / "data/musicstore.jsonl"
    questions = musicstore.load_questions(options.questions or default)
    texts = {path.name: plain_text(path) for path in samples.DOCUMENTS}
    with nullcontext(options.url) if options.url else served({"RAGSQL_SAMPLE_DATA": "true"}) as url:
        graded = musicstore.run(url, questions, texts)
    _report(graded)
    _keep(graded)


def _report(graded: Sequence[Graded]) -> None:
    for item in graded:
        if not item.right:
            print(f"{item.id}: {item.problem}\n  answer: {item.answer[:300]!r}\n  sql: {item.sql}")
    for route in ROUTES:
        group = [item for item in graded if item.route == route]
        if group:
            right, routed = sum(item.right for item in group), sum(item.routed for item in group)
            median = statistics.median(item.seconds for item in group)
            print(f"{route:10} right {right} of {len(group)}, routed right {routed}, p50 {median:.2f} s")


def _keep(graded: Sequence[Graded]) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps([asdict(item) for item in graded], indent=1, ensure_ascii=False))
    print(f"Kept in {path}")


if __name__ == "__main__":
    main()
