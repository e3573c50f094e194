"""`python -m evals.declining`: how well trust tells questions that a document answers from those that it does not.

No chat model. Asked of the documents of evals/data/reading that training held out and of those of evals/data/bounds,
each by itself.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.answers.examples import OWN
from evals.measures import Measure, Report, share, show
from service.app import Ports, assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.chunking import chunk
from service.domain.documents import Block, BlockKind, Document, DocumentState, ParsedDocument
from service.domain.questions import Question, Route
from service.settings import load
from service.usecases.choose_evidence import LEAST_TRUST
from service.usecases.read_passages import trust
from service.usecases.retrieve_passages import RetrievePassages

BOUNDS = OWN.parent / "bounds"
HELD_OUT = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and how sure reading is that its document answers it."""

    answerable: bool
    trust: float


def main() -> None:
    """Print one table."""
    reading = [line for path in sorted(OWN.glob("*.jsonl")) for line in path.read_text().splitlines()[::HELD_OUT]]
    sets = {"reading, held out": reading, **{f"bounds, {p.stem}": p.read_text().splitlines() for p in _bounds()}}
    print(show([Report(name, measures(asyncio.run(_ask_all(lines)))) for name, lines in sets.items()]))


def measures(asked: Sequence[Asked]) -> list[Measure]:
    """What the bound without a chat model declines, and the area under the curve of trust."""
    yes = [item.trust for item in asked if item.answerable]
    no = [item.trust for item in asked if not item.answerable]
    won = sum((one > other) + (one == other) / 2 for one in yes for other in no)
    return [
        share("answerable declined", [value < LEAST_TRUST for value in yes]),
        share("unanswerable declined", [value < LEAST_TRUST for value in no]),
        Measure("AUC of trust", won / (len(yes) * len(no)), len(asked)),
    ]


async def _ask_all(lines: Sequence[str]) -> list[Asked]:
    with tempfile.TemporaryDirectory(prefix="ragsql-declining-") as folder:
        settings = {"RAGSQL_DATA_DIR": folder, "RAGSQL_LOCAL_MODEL": f"{folder}/none.gguf"}
        assembly = assemble(load({**settings, "RAGSQL_SAMPLE_DATA": "false"}))
        asked = [item for number, line in enumerate(lines) for item in await _ask(assembly.ports, number, line)]
        assembly.close()
    return asked


async def _ask(ports: Ports, number: int, line: str) -> list[Asked]:
    source: dict[str, Any] = json.loads(line)
    parsed = ParsedDocument(source["title"], tuple(_blocks(source)), 0, "")
    counted = ports.embedder.count_tokens
    text, chunks = chunk(parsed, max_tokens=ports.embedder.max_tokens, count_tokens=counted)
    now = dt.datetime.now(dt.UTC)
    size, state = len(text.encode()), DocumentState.ACTIVE
    document = Document(f"{number:032x}", source["title"], "text/plain", size, "0" * 64, state, now, now)
    embedded = await ports.embedder.embed_chunks(DEFAULT_CALLER, chunks)
    await ports.vectors.replace(DEFAULT_CALLER, document, embedded)
    retrieve = RetrievePassages(ports.embedder, ports.vectors, ports.reader)
    asked: list[Asked] = []
    for item in source["questions"]:
        question = Question(item["q"], Route.DOCUMENTS, documents=(document.id,))
        found = await retrieve(DEFAULT_CALLER, question)
        asked.append(Asked(bool(item["units"]), trust(question.text, found.evidence)))
    return asked


def _blocks(source: dict[str, Any]) -> Iterator[Block]:
    yield Block(BlockKind.HEADING, source["title"], 1)
    above: list[str] = []
    for passage in source["passages"]:
        headings: list[str] = passage["headings"]
        for level, heading in enumerate(headings, start=2):
            if headings[: level - 1] != above[: level - 1]:
                yield Block(BlockKind.HEADING, heading, level)
        above = headings
        units: list[str] = passage["units"]
        if passage["kind"] == "table":
            rows = tuple(tuple(cell.strip() for cell in unit.split(" | ")) for unit in units)
            yield Block(BlockKind.TABLE, "\n".join(" | ".join(row) for row in rows), rows=rows)
        elif passage["kind"] == "list":
            yield from (Block(BlockKind.LIST_ITEM, unit) for unit in units)
        else:
            yield Block(BlockKind.TEXT, " ".join(units))


def _bounds() -> list[Path]:
    return sorted(BOUNDS.glob("*.jsonl"))


if __name__ == "__main__":
    main()
