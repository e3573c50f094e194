"""Which suites there are, and what each needs: a server with these settings, or only the folder of data sets."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evals import (
    defog,
    docqa,
    hybrid,
    musicstore,
    retrieval_passages,
    retrieval_scifact,
    reupload,
    routing,
    sql_generation,
)
from evals.docqa import Way
from evals.document_sets import HELD_OUT
from evals.measures import Measure, Report
from evals.server import served, without_chat
from service.evaluation.hashing import hash_of

HERE = Path(__file__).parent / "data"
EMPTY = {"RAGSQL_SAMPLE_DATA": "false"}
SAMPLES = {"RAGSQL_SAMPLE_DATA": "true"}
OWN_WAYS = (Way(), Way(chat=False))
WAYS = (*OWN_WAYS, Way(corpus=True), Way(corpus=True, chat=False))


@dataclass(frozen=True, slots=True)
class Suite:
    """One run against a server of its own with these settings. ask takes its URL."""

    name: str
    ask: Callable[[str], Report]
    settings: Mapping[str, str]
    chat: bool = True

    def run(self, url: str | None) -> Report:
        """Ask the server at url, or one that is started for it."""
        settings = self.settings if self.chat else {**self.settings, **without_chat()}
        with nullcontext(url) if url else served(settings) as address:
            return self.ask(address)


@dataclass(frozen=True, slots=True)
class LibrarySuite:
    """One run that needs no server, or starts those that it needs."""

    name: str
    measure: Callable[[], Report]

    def run(self, url: str | None) -> Report:
        """Measure, wherever a server is."""
        return self.measure()


def suites(data: Path | None, questions: Path | None) -> list[Suite | LibrarySuite]:
    """The small sets of this repository, or the full ones of a folder."""
    asked = questions or (data / "musicstore" / "questions_dev.jsonl" if data else HERE / "musicstore.jsonl")
    return [*_library(data, asked), *_served(data, asked)]


def _library(data: Path | None, questions: Path) -> list[LibrarySuite]:
    found = [
        LibrarySuite("retrieval", retrieval_passages.run),
        LibrarySuite("sql", partial(sql_generation.run, questions)),
        LibrarySuite("hybrid", partial(hybrid.run, questions)),
    ]
    if data:
        found += [
            LibrarySuite("SciFact", partial(_scifact, data)),
            LibrarySuite("routing", partial(routing.run, data)),
            LibrarySuite("defog", partial(defog.run, data / "defog")),
        ]
    return found


def _served(data: Path | None, questions: Path) -> list[Suite]:
    found = [
        Suite("musicstore", partial(musicstore.run, path=questions), SAMPLES),
        Suite("no answer", partial(musicstore.run, path=HERE / "no_answer.jsonl", name="no answer"), SAMPLES),
        Suite("reupload", partial(reupload.run, folder=(data or HERE) / "reupload"), EMPTY),
        *(
            Suite(way.title(name), partial(docqa.run_set, way=way, name=name), EMPTY, way.chat)
            for name in HELD_OUT
            for way in OWN_WAYS
        ),
    ]
    if data:
        ask = partial(docqa.run, folder=data / "docqa")
        found += [Suite(way.title("docqa"), partial(ask, way=way), EMPTY, way.chat) for way in WAYS]
    return found


def _scifact(data: Path) -> Report:
    folder = data / "ir" / "scifact"
    judgements = folder / "qrels" / "test.tsv"
    judged = {line.split("\t")[0] for line in judgements.read_text().splitlines()[1:]}
    scores = asyncio.run(retrieval_scifact.score(folder))
    targets = {"fused": retrieval_scifact.TARGET}
    name = f"nDCG@{retrieval_scifact.DEPTH}"
    measures = [Measure(f"{name} {kind}", value, len(judged), "", targets.get(kind)) for kind, value in scores.items()]
    return Report("SciFact", measures, data=hash_of(judgements.read_bytes()))


def announce(suite: Suite | LibrarySuite) -> None:
    """Say on standard error what is measured now: a run takes minutes."""
    print(f"measuring {suite.name} …", file=sys.stderr, flush=True)
