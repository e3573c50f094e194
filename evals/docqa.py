"""`python -m evals.docqa [DATA] [--set NAME] [--url URL] [--corpus] [--without-chat]`: answers, cited to the page.

DATA/docqa holds documents and qa.jsonl; without DATA a set of this repository is asked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import percentile
from evals import document_sets
from evals.documents_text import pages_of
from evals.measures import Measure, Report, finish, share
from evals.page_grading import CITED, GradedAnswer, Pages, grade, outcome, problems
from evals.server import served, without_chat
from ragsql_client import Client
from ragsql_client.options import RouteName
from service.evaluation.hashing import hash_of

ROUTES: Mapping[str, RouteName | None] = {"documents": "documents", "open": None}
FIRST, WITHIN, DECLINED, WRONGLY_DECLINED = 75.0, 92.0, 80.0, 10.0
ANSWERS: Mapping[bool, float] = {False: 60.0, True: 68.0}
SECONDS: Mapping[bool, float] = {False: 0.3, True: 5.0}
"""Targets, the last two by whether there is a chat model."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a set is asked: of all files at once or of the question's own, with or without a chat model, by a route."""

    corpus: bool = False
    chat: bool = True
    route: RouteName | None = "documents"

    def title(self, name: str) -> str:
        """The name of a set asked this way."""
        files, chat = "all files" if self.corpus else "own file", "with" if self.chat else "without"
        return f"{name}, {files}, {chat} chat model"


def main() -> None:
    """Print the failures and one table; exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="evals.docqa", description="Score answers from documents.")
    parser.add_argument("data", type=Path, nargs="?", help="folder of full data sets; without it a set of ours")
    parser.add_argument("--set", choices=(*document_sets.HELD_OUT, *document_sets.TUNED_ON), default="handbook")
    parser.add_argument("--url", help="a server that runs already; without it one is started")
    parser.add_argument("--route", choices=ROUTES, default="documents", help="open leaves the route to the server")
    parser.add_argument("--corpus", action="store_true", help="ask all files at once, not only the question's own")
    parser.add_argument("--without-chat", action="store_true", help="the server has no chat model")
    options = parser.parse_args()
    way = Way(options.corpus, not options.without_chat, ROUTES[options.route])
    settings = {"RAGSQL_SAMPLE_DATA": "false"} | ({} if way.chat else without_chat())
    with nullcontext(options.url) if options.url else served(settings) as url:
        report = run(url, options.data / "docqa", way) if options.data else run_set(url, way, options.set)
    raise SystemExit(finish([report], "docqa", options.url or ""))


def run(url: str, folder: Path, way: Way, name: str = "docqa") -> Report:
    """Upload the documents of a folder, ask its questions and print what is wrong."""
    graded = ask(url, folder, way)
    print(problems(graded))
    cases, outcomes = [asdict(item) for item in graded], [outcome(item) for item in graded]
    return Report(way.title(name), measures(graded, way.chat), cases, outcomes, _data(folder))


def run_set(url: str, way: Way, name: str) -> Report:
    """The same over a set of ours. Of one that is held out only the totals are told."""
    with document_sets.written(name) as folder:
        if name in document_sets.TUNED_ON:
            return run(url, folder, way, name)
        graded = ask(url, folder, way)
        models = tuple({model for item in graded for model in item.spent["models"]})
        title = way.title(f"{name}, held out")
        return Report(title, measures(graded, way.chat), data=_data(folder), models=models)


def _data(folder: Path) -> str:
    return hash_of((folder / "qa.jsonl").read_bytes())


def ask(url: str, folder: Path, way: Way) -> list[GradedAnswer]:
    """Every question of folder/qa.jsonl, asked of its own file, or of all that the server holds."""
    items: list[dict[str, Any]] = [json.loads(line) for line in (folder / "qa.jsonl").read_text().splitlines()]
    files = sorted({item["file"] for item in items})
    texts = {file: pages_of(folder / file) for file in files}
    with Client(url, timeout=300, retries=0) as client:
        names = {file: client.upload(folder / file).document.name for file in files}
        return [_ask(client, item, "" if way.corpus else names[item["file"]], way.route, texts) for item in items]


def _ask(
    client: Client,
    item: Mapping[str, Any],
    document: str,
    route: RouteName | None,
    texts: Mapping[str, Pages],
) -> GradedAnswer:
    start = time.perf_counter()
    response = client.ask(item["question"], route=route, documents=[document] if document else [])
    return grade(item, response, time.perf_counter() - start, texts)


def measures(graded: Sequence[GradedAnswer], chat: bool) -> list[Measure]:
    """The figures, with the targets that hold with or without a chat model."""
    asked = [item for item in graded if item.answerable]
    paged = [item for item in asked if item.paged]
    unpaged = [item for item in asked if not item.paged]
    others = [item for item in graded if not item.answerable]
    seconds = sorted(item.seconds for item in graded)
    widths = [width for item in graded for width in item.widths if width]
    figures = [
        share("first citation on a right page", [item.first for item in paged], FIRST),
        share(f"one of at most {CITED} citations on a right page", [item.within for item in paged], WITHIN),
        share(f"one of at most {CITED} quotes the evidence, files without pages", [item.within for item in unpaged]),
        share("answer matches the expected pattern", [item.matches for item in asked], ANSWERS[chat]),
        share("answerable declined", [item.declined for item in asked], WRONGLY_DECLINED, at_most=True),
        share("unanswerable declined", [item.declined for item in others], DECLINED),
        share("quotes that stand on their pages", [held for item in graded for held in item.quoted], 100.0),
        Measure("pages a citation spans, mean", statistics.fmean(widths) if widths else 0.0, len(widths), "pages"),
        Measure("p50", percentile(seconds, 0.5), len(seconds), "s"),
        Measure("p95", percentile(seconds, 0.95), len(seconds), "s", SECONDS[chat], at_most=True),
    ]
    return [figure for figure in figures if figure.n]


if __name__ == "__main__":
    main()
