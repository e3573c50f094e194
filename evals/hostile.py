"""`python -m evals.hostile FOLDER [--url URL]`: hostile files, sent to a live server that is probed meanwhile.

FOLDER has manifest.jsonl, one file a line: file, upload_name, expect (accept, reject or accept_or_reject),
max_seconds, must_contain and must_not_contain (in what is accepted).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.figures import percentile
from evals import measures
from evals.measures import Measure, Report, finish, share
from evals.probing import Probe, probing
from evals.sending import DIRECT_BYTES, Outcome, Unsupported, send
from evals.server import served, without_chat
from ragsql.v1.document_pb2 import DocumentState
from ragsql.v1.document_service_pb2 import DeleteDocumentRequest, ListDocumentsRequest, UploadRequest
from ragsql.v1.health_service_pb2 import GetStatsRequest
from ragsql_client import Client, RagsqlError
from service.evaluation.hashing import hash_of

LONGEST_SECONDS = 30.0
BACKGROUND_SECONDS = 600.0
"""A large file is taken or refused within LONGEST_SECONDS too; embedding it afterwards takes as long as it takes."""
HEALTH_MS = 50.0
TOP_K = 50
QUESTIONS = ("{}", "What does it say about {}?", "Where is {} mentioned?")


@dataclass(frozen=True, slots=True)
class Sent:
    """One file and what became of it. problems is empty when all is right.

    health_ms is the slowest answer of /health meanwhile.
    """

    file: str
    outcome: str
    seconds: float
    problems: tuple[str, ...]
    skipped: bool = False
    health_ms: float = 0.0


def main() -> None:
    """Print one line a file and one table; exit with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="evals.hostile", description="Send hostile files to a live server.")
    parser.add_argument("folder", type=Path, help="folder with the files and manifest.jsonl")
    parser.add_argument("--url", help="a server that runs already; without it one is started")
    options = parser.parse_args()
    settings = {"RAGSQL_SAMPLE_DATA": "false"} | without_chat()
    with nullcontext(options.url) if options.url else served(settings) as url:
        report = run(url, options.folder)
    raise SystemExit(finish([report], "hostile", options.url or ""))


def run(url: str, folder: Path) -> Report:
    """Send every file, one after the other, while /health is asked, and print a line for each."""
    entries: list[dict[str, Any]] = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    sent: list[Sent] = []
    with probing(url) as probe:
        for entry in entries:
            seen = len(probe.milliseconds)
            item = _try(url, entry, (folder / entry["file"]).read_bytes())
            sent.append(replace(item, health_ms=max(probe.milliseconds[seen:], default=0.0)))
            print(_line(sent[-1]), flush=True)
    data = hash_of((folder / "manifest.jsonl").read_bytes())
    outcomes = [
        measures.Outcome(
            id=item.file,
            question=f"Send {item.file}",
            right=not item.problems,
            problem="; ".join(item.problems),
            got=item.outcome,
            seconds=item.seconds,
        )
        for item in sent
        if not item.skipped
    ]
    return Report("hostile files", _measures(sent, probe), [asdict(item) for item in sent], outcomes, data)


def _line(item: Sent) -> str:
    verdict = "skip" if item.skipped else "FAIL" if item.problems else "ok"
    what = "; ".join(item.problems) or item.outcome[:150]
    return f"{verdict:4} {item.file:20} {item.seconds:6.2f} s  /health {item.health_ms:4.0f} ms  {what}"


def _measures(sent: Sequence[Sent], probe: Probe) -> list[Measure]:
    times, count = sorted(probe.milliseconds), len(probe.milliseconds)
    return [
        share("handled as they must be", [not item.problems for item in sent if not item.skipped], 100.0),
        Measure("skipped, this server cannot take them", sum(item.skipped for item in sent), len(sent), "files"),
        Measure("/health failed", len(probe.failures), count, "times", 0.0, at_most=True),
        Measure("/health p50", percentile(times, 0.5), count, "ms"),
        Measure("/health p99", percentile(times, 0.99), count, "ms", HEALTH_MS, at_most=True),
        Measure("/health max", times[-1], count, "ms"),
    ]


def _try(url: str, entry: Mapping[str, Any], content: bytes) -> Sent:
    try:
        with _connected(url) as client:
            known, counts = _documents(client), _counts(client)
            start = time.perf_counter()
            outcome = send(client, url, entry["upload_name"], content, BACKGROUND_SECONDS)
    except Unsupported as error:
        return Sent(entry["file"], str(error), 0.0, (), skipped=True)
    except RagsqlError as error:
        return Sent(entry["file"], "", 0.0, (f"the server was gone before: {error.code.name} {error.message}",))
    seconds = time.perf_counter() - start
    problems = unexpected(entry, outcome, seconds, len(content) > DIRECT_BYTES)
    try:
        with _connected(url) as client:
            problems += _afterwards(client, entry, outcome, known, counts)
    except RagsqlError as error:
        problems.append(f"the server did not go on: {error.code.name} {error.message}")
    return Sent(entry["file"], outcome.refusal or "accepted", seconds, tuple(problems))


def _connected(url: str) -> Client:
    return Client(url, timeout=2 * LONGEST_SECONDS, retries=0)


def _afterwards(
    client: Client, entry: Mapping[str, Any], outcome: Outcome, known: Mapping[str, int], counts: tuple[int, int]
) -> list[str]:
    problems: list[str] = []
    if outcome.document:
        problems += wrong_text(entry, _search(client, entry, outcome.document))
        client.documents.delete_document(DeleteDocumentRequest(name=outcome.document))
    problems += _left_behind(client, known, counts)
    return problems + _normal_upload(client, entry["file"])


def _left_behind(client: Client, known: Mapping[str, int], counts: tuple[int, int]) -> list[str]:
    """What a file left that was refused or deleted, removed afterwards. A FAILED document with its reason may stay."""
    new = {name: state for name, state in _documents(client).items() if name not in known}
    left = [DocumentState.Name(state) for state in new.values() if state != DocumentState.DOCUMENT_STATE_FAILED]
    problems = [f"left a document in {', '.join(left)}"] if left else []
    if (now := _counts(client)) != counts:
        problems.append(f"documents and chunks were {counts}, are {now}")
    for name in new:
        client.documents.delete_document(DeleteDocumentRequest(name=name))
    return problems


def unexpected(entry: Mapping[str, Any], outcome: Outcome, seconds: float, large: bool) -> list[str]:
    """What is wrong with an outcome and the time it took."""
    problems: list[str] = []
    if outcome.fault:
        problems.append(outcome.fault)
    if outcome.refusal and entry["expect"] == "accept":
        problems.append(f"refused a good file: {outcome.refusal}")
    if outcome.document and entry["expect"] == "reject":
        problems.append("accepted what must be refused")
    taken = outcome.taken_seconds if large else seconds
    if taken > min(entry["max_seconds"], LONGEST_SECONDS):
        problems.append(f"took {taken:.1f} s")
    return problems


def wrong_text(entry: Mapping[str, Any], text: str) -> list[str]:
    """Which marks the text of an accepted file lacks, and which it must not have."""
    text = " ".join(text.split())
    lost = [f"lost {mark!r}" for mark in entry["must_contain"] if mark not in text]
    return lost + [f"shows {mark!r}" for mark in entry["must_not_contain"] if mark in text]


def _search(client: Client, entry: Mapping[str, Any], document: str) -> str:
    """All that the server tells of a document when it is asked for each mark."""
    told: list[str] = []
    for mark in [*entry["must_contain"], *entry["must_not_contain"]]:
        for question in (form.format(mark) for form in QUESTIONS if mark.strip("\0\ufeff ")):
            for event in client.stream(question, route="documents", documents=[document], top_k=TOP_K):
                told.append(event.final.answer.text)
                for citation in (event.citation, *event.final.answer.citations):
                    told += [*citation.headings, citation.quote]
    return "\n".join(told)


def _documents(client: Client) -> dict[str, int]:
    """The state of every document by its name."""
    states: dict[str, int] = {}
    request = ListDocumentsRequest(page_size=250)
    while True:
        page = client.documents.list_documents(request)
        states |= {document.name: document.state for document in page.documents}
        if not page.next_page_token:
            return states
        request.page_token = page.next_page_token


def _counts(client: Client) -> tuple[int, int]:
    """Documents and chunks that can be searched."""
    stats = client.status.get_stats(GetStatsRequest())
    return stats.document_count, stats.chunk_count


def _normal_upload(client: Client, unique: str) -> list[str]:
    """Whether an ordinary file is taken and can be deleted right now."""
    content = f"The lighthouse of {unique} at {time.time_ns()} was painted on a Friday.\n".encode()
    try:
        start = time.perf_counter()
        document = client.documents.upload(UploadRequest(filename="ordinary.txt", content=content)).document
        seconds = time.perf_counter() - start
        client.documents.delete_document(DeleteDocumentRequest(name=document.name))
    except RagsqlError as error:
        return [f"an ordinary upload afterwards failed: {error.code.name} {error.message}"]
    slow = document.chunk_count < 1 or seconds > LONGEST_SECONDS
    return [f"an ordinary upload afterwards took {seconds:.1f} s, {document.chunk_count} chunks"] if slow else []


if __name__ == "__main__":
    main()
