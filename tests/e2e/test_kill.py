"""`ragsql serve` killed with SIGKILL at several points of an ingest, started again, and asked."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents.files import simple_pdf
from tests.e2e.server import Server

LINE = "The {color} locker number {number} in hall {page} is opened with the code {code}."
COLORS = "red orange yellow green blue violet brown gray".split()
NONE: dict[str, Any] = {"phase": ""}
Documents = list[dict[str, Any]]


def pages(code: int, count: int = 32) -> bytes:
    """A PDF of so many pages, about two and a half chunks each; code begins every code in it."""

    def line(page: int, number: int) -> str:
        return LINE.format(color=COLORS[number % 8], number=number, page=page, code=f"{code}{page:02}{number:02}")

    return simple_pdf(
        *([(f"Hall {page}", 16), *((line(page, number), 10) for number in range(36))] for page in range(1, count + 1))
    )


V1, V2 = pages(1), pages(2)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.kill()


def whole(server: Server, documents: Documents) -> None:
    """Exactly the files of these ACTIVE documents are stored."""
    assert {one["state"] for one in documents} <= {"DOCUMENT_STATE_ACTIVE"}
    ids = {f"files/{one['name'].removeprefix('documents/')}" for one in documents}
    wanted = ids | {f"processed/{one['sha256']}" for one in documents}
    deadline = time.monotonic() + 60
    while server.files() != wanted and time.monotonic() < deadline:
        time.sleep(0.01)  # what was replaced is removed after the new document is ACTIVE
    assert server.files() == wanted


def cited(reply: dict[str, Any]) -> list[str]:
    return [citation["quote"] for citation in reply["answer"]["citations"]] if "answer" in reply else []


def accepted(documents: Documents) -> bool:
    return True


def processing(documents: Documents) -> bool:
    return documents[0]["state"] == "DOCUMENT_STATE_PROCESSING"


def embedding(documents: Documents) -> bool:
    progress = documents[0].get("progress", NONE) if documents else NONE
    return progress["phase"] == "INGEST_PHASE_EMBEDDING" and 0 < progress["done"] < progress["total"]


def indexing(documents: Documents) -> bool:
    progress = documents[0].get("progress", NONE) if documents else NONE
    return progress["phase"] == "INGEST_PHASE_INDEXING" or documents[0]["state"] == "DOCUMENT_STATE_ACTIVE"


@pytest.mark.parametrize("moment", [accepted, processing, embedding, indexing])
def test_an_accepted_replacement_survives(server: Server, moment: Callable[[Documents], bool]) -> None:
    server.ingest("lockers.pdf", pages(1, 1))
    (old,) = server.settle()
    new = server.ingest("lockers.pdf", V2)["document"]
    server.wait(moment)
    server.kill()
    server.start()
    listed = server.documents()
    assert {one["name"] for one in listed} <= {old["name"], new["name"]}
    reply = server.ask("With which code is the red locker number 0 in hall 1 opened?")
    assert cited(reply)[0].endswith(("code 10100.", "code 20100."))
    documents = server.settle()
    assert [one["name"] for one in documents] == [new["name"]]
    whole(server, documents)
    reply = server.ask("With which code is the red locker number 0 in hall 1 opened?")
    assert cited(reply)[0].endswith("code 20100.")
    assert all(citation["document"] == new["name"] for citation in reply["answer"]["citations"])


def test_an_upload_in_one_message_leaves_nothing(server: Server) -> None:
    url = server.http.base_url

    def upload() -> None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(f"{url}/upload", files={"file": ("lockers.pdf", V1)}, timeout=60, trust_env=False)

    sending = threading.Thread(target=upload)
    sending.start()
    server.wait(embedding)
    server.kill()
    sending.join()
    server.start()
    assert (server.documents(), server.files()) == ([], set())
    assert cited(server.ask("With which code is the red locker number 0 in hall 1 opened?")) == []


def test_a_put_that_was_cut_off_leaves_nothing_and_may_be_repeated(server: Server) -> None:
    content = pages(3, 1) + b"%" * 3_000_000
    upload = server.reserve("lockers.pdf", content)
    arrived = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield content[:2_500_000]
        arrived.wait(120)
        yield content[2_500_000:]

    def put() -> None:
        with contextlib.suppress(httpx.HTTPError):
            length = {"content-length": str(len(content))}
            httpx.put(f"{server.http.base_url}{upload['url']}", content=slowly(), headers=length, trust_env=False)

    sending = threading.Thread(target=put)
    sending.start()
    while not any(name.startswith("~drafts/") for name in server.files()):
        pass
    server.kill()
    arrived.set()
    sending.join()
    server.start()
    assert server.files() == set()
    server.http.put(upload["url"], content=content).raise_for_status()
    reply = server.http.post("/documents:ingest", json={"upload": upload["upload"]}).raise_for_status().json()
    assert [one["name"] for one in server.settle()] == [reply["document"]["name"]]
