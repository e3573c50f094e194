"""Which suites there are, and what each needs: a server with these settings, or only the folder of data sets."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evals import defog, docqa, musicstore, retrieval_scifact, reupload
from evals.docqa import Way
from evals.measures import Measure, Report
from evals.server import served, without_chat

HERE = Path(__file__).parent / "data"
EMPTY = {"RAGSQL_SAMPLE_DATA": "false"}
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
        print(f"measuring {self.name} …", file=sys.stderr, flush=True)
        settings = self.settings if self.chat else {**self.settings, **without_chat()}
        with nullcontext(url) if url else served(settings) as address:
            return self.ask(address)


def served_suites(data: Path | None, questions: Path | None) -> list[Suite]:
    """What is asked of a server: the small sets of this repository, or the full ones of a folder."""
    default = data / "musicstore" / "questions_dev.jsonl" if data else HERE / "musicstore.jsonl"
    suites = [
        Suite("musicstore", partial(musicstore.run, path=questions or default), {"RAGSQL_SAMPLE_DATA": "true"}),
        Suite("reupload", partial(reupload.run, folder=(data or HERE) / "reupload"), EMPTY),
        *(Suite(way.title("handbook"), partial(docqa.run_handbook, way=way), EMPTY, way.chat) for way in OWN_WAYS),
    ]
    if data:
        ask = partial(docqa.run, folder=data / "docqa")
        suites += [Suite(way.title("docqa"), partial(ask, way=way), EMPTY, way.chat) for way in WAYS]
    return suites


def library_suites(data: Path) -> list[Callable[[], Report]]:
    """What needs no server, only the full data sets."""
    return [partial(_scifact, data), partial(defog.run, data / "defog")]


def _scifact(data: Path) -> Report:
    folder = data / "ir" / "scifact"
    judged = {line.split("\t")[0] for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]}
    print("measuring SciFact …", file=sys.stderr, flush=True)
    scores = asyncio.run(retrieval_scifact.score(folder))
    targets = {"fused": retrieval_scifact.TARGET}
    name = f"nDCG@{retrieval_scifact.DEPTH}"
    measures = [Measure(f"{name} {kind}", value, len(judged), "", targets.get(kind)) for kind, value in scores.items()]
    return Report("SciFact", measures)
