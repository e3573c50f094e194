"""The music store's questions, asked of a running server through the generated client."""

from __future__ import annotations

from pathlib import Path

from evals.documents_text import plain_text
from evals.measures import Report
from ragsql_client import Client
from service import samples
from service.evaluation.asking import ask_all
from service.evaluation.hashing import hash_of
from service.evaluation.questions import load


def run(url: str, path: Path, name: str = "musicstore") -> Report:
    """Ask and grade every question of a file, of a server with the sample data, and print what is wrong."""
    texts = {file.name: plain_text(file) for file in samples.DOCUMENTS}
    with Client(url, timeout=180, retries=0) as client:
        report = ask_all(client, name, load(path), hash_of(path.read_bytes()), texts=texts)
    for item in report.outcomes:
        if not item.right:
            print(
                f"{item.id}: {item.problem}\n  question: {item.question}\n  got: {item.got[:300]!r}\n  sql: {item.sql}"
            )
    return report
