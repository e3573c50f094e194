"""`python -m evals.reupload [DATA] [--url URL]`: no stale text after a document is replaced or deleted.

The protocol is in data/reupload/README.md: every question is asked twice in a row after v1, after v2 under the same
name, and after the delete, with an unrelated document loaded throughout.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.measures import Measure, Outcome, Report, finish, share
from evals.server import served
from ragsql.v1.document_service_pb2 import DeleteDocumentRequest
from ragsql.v1.query_service_pb2 import QueryResponse
from ragsql_client import Client
from service import samples
from service.evaluation.asking import spent
from service.evaluation.hashing import hash_of

HERE = Path(__file__).parent
STALE = "stale"
ROUNDS = ("first", "second")


@dataclass(frozen=True, slots=True)
class Checked:
    """One question at one step of one document's life. problem is empty when all is right."""

    id: str
    step: str
    asked: str
    question: str
    problem: str
    answer: str
    cached: bool
    spent: dict[str, Any]

    @property
    def outcome(self) -> Outcome:
        """The question as every suite tells it."""
        return Outcome(
            id=f"{self.id} {self.step}, {self.asked} time",
            question=self.question,
            right=not self.problem,
            category=self.step.replace("_", " "),
            problem=self.problem,
            got=self.answer,
            cached=self.cached,
            **self.spent,
        )


def main() -> None:
    """Print the failures and one table; exit with 1 when a case is wrong."""
    parser = argparse.ArgumentParser(prog="evals.reupload", description="Replace and delete documents, and ask.")
    parser.add_argument("data", type=Path, nargs="?", help="folder of full data sets; without it the set inside")
    parser.add_argument("--url", help="a server that runs already; without it one is started")
    options = parser.parse_args()
    with nullcontext(options.url) if options.url else served({"RAGSQL_SAMPLE_DATA": "false"}) as url:
        report = run(url, (options.data or HERE / "data") / "reupload")
    raise SystemExit(finish([report], "reupload", options.url or ""))


def run(url: str, folder: Path) -> Report:
    """Take every document of the set through its life and print what is wrong."""
    cases: list[dict[str, Any]] = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    with Client(url, timeout=300, retries=0) as client:
        client.upload(samples.DOCUMENTS[0])
        checked = [
            result
            for file in sorted({case["file"] for case in cases})
            for result in _live(client, folder, file, [case for case in cases if case["file"] == file])
        ]
    for item in checked:
        if item.problem:
            print(f"{item.id} {item.step}, {item.asked} time: {item.problem}")
            print(f"  question: {item.question}\n  answer: {item.answer[:300]!r}")
    stale = Measure(
        "stale answers", sum(item.problem.startswith(STALE) for item in checked), len(checked), "", 0.0, True
    )
    data = hash_of((folder / "cases.jsonl").read_bytes())
    return Report("reupload", [*_by_step(checked), stale], outcomes=[item.outcome for item in checked], data=data)


def _live(client: Client, folder: Path, file: str, cases: Sequence[Mapping[str, Any]]) -> list[Checked]:
    checked: list[Checked] = []
    name = ""
    for version in ("v1", "v2"):
        name = client.upload(folder / version / file).document.name
        checked += _ask_all(client, f"after_{version}", cases)
    client.documents.delete_document(DeleteDocumentRequest(name=name))
    return checked + _ask_all(client, "after_delete", cases)


def _ask_all(client: Client, step: str, cases: Sequence[Mapping[str, Any]]) -> list[Checked]:
    return [_check(client, step, asked, case) for case in cases for asked in ROUNDS]


def _check(client: Client, step: str, asked: str, case: Mapping[str, Any]) -> Checked:
    response = client.ask(case["question"], route="documents")
    answer = response.answer.text or response.no_answer.hint
    wrong = problem(response, case[step])
    return Checked(case["id"], step, asked, case["question"], wrong, answer, response.cache_hit, spent(response.usage))


def problem(response: QueryResponse, expected: Mapping[str, Any]) -> str:
    """What is wrong with a response, empty when nothing is."""
    answer = response.answer
    shown = "\n".join([answer.text, *(citation.quote for citation in answer.citations)])
    if stale := expected.get("must_not_match"):
        found = re.search(stale, shown, re.I)
        if found:
            return f"{STALE}: {found[0]!r}"
    if any(citation.filename == expected.get("must_not_cite") for citation in answer.citations):
        return f"{STALE}: cites a deleted document"
    if not expected["answerable"]:
        return "" if response.HasField("no_answer") else "answered although nothing says it"
    if not response.HasField("answer"):
        return "declined although the document says it"
    return "" if re.search(expected["answer_regex"], answer.text, re.I) else "the text misses the expected pattern"


def _by_step(checked: Sequence[Checked]) -> list[Measure]:
    steps = dict.fromkeys(item.step for item in checked)
    return [
        share(f"right {step.replace('_', ' ')}", [not item.problem for item in checked if item.step == step], 100.0)
        for step in steps
    ]


if __name__ == "__main__":
    main()
