"""Tasks that upload, ask and delete without a pause, and remember what was acknowledged and what they were told."""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
from connectrpc.code import Code

from ragsql.v1.document_service_pb2 import (
    CreateUploadRequest,
    DeleteDocumentRequest,
    IngestRequest,
    UploadRequest,
)
from ragsql.v1.query_service_pb2 import QueryResponse
from ragsql_client import Client, RagsqlError

ITEMS = "boat cellar tower chapel stable attic garden bakery studio gallery harbour orchard".split()
_SETTING = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b")
_PASSING = (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED)
_PAUSE_SECONDS = 0.15
_SECONDS = 180.0


@dataclass(frozen=True)
class Fact:
    """What one document alone says."""

    number: int

    @property
    def owner(self) -> str:
        """A name that nobody else has."""
        first, second = divmod(self.number, 26)
        return f"Ber{chr(97 + first % 26)}o{chr(97 + second)}a{'n' * (self.number // 676)}d"

    @property
    def code(self) -> str:
        return f"{self.number + 48_000}"

    @property
    def content(self) -> bytes:
        item = ITEMS[self.number % len(ITEMS)]
        return f"# Keys of {self.owner}\n\nThe {item} of {self.owner} is opened with the code {self.code}.\n".encode()

    @property
    def question(self) -> str:
        return f"With which code is the {ITEMS[self.number % len(ITEMS)]} of {self.owner} opened?"

    def is_in(self, reply: QueryResponse) -> bool:
        """Whether the reply cites it."""
        return any(self.code in citation.quote for citation in reply.answer.citations)


@dataclass
class Load:
    """acknowledged are those to be found, by the names of their documents; deleted those never to be seen again.

    What a caller was told has failed is in neither. wrong are sentences of what must not have happened.
    """

    urls: Sequence[str]
    acknowledged: dict[str, Fact] = field(default_factory=dict[str, Fact])
    deleted: dict[str, Fact] = field(default_factory=dict[str, Fact])
    errors: list[RagsqlError] = field(default_factory=list[RagsqlError])
    wrong: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(turn,)) for turn in range(3)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def untyped(self) -> list[str]:
        """The errors that a caller could not have acted on."""
        return [f"{one.code} {one.reason} {one}" for one in self.errors if not _is_typed(one)]

    def _run(self, turn: int) -> None:
        try:
            self._go_round(turn)
        except Exception as error:  # a thread of the load must not end unseen
            self.wrong.append(repr(error))

    def _go_round(self, turn: int) -> None:
        clients = [Client(url, retries=0, timeout=_SECONDS) for url in self.urls]
        ways = (self._upload, self._upload, self._ingest)
        for step in itertools.count(turn):
            if self._stopping.is_set():
                break
            here, there = clients[step % len(clients)], clients[(step + 1) % len(clients)]
            fact = Fact(next(self._numbers))
            name = self._tried(ways[step % len(ways)], here, fact)
            if name:
                self.acknowledged[name] = fact
            if name and ways[step % len(ways)] == self._upload:
                self._tried(self._find, there, fact)
            if name and step % 4 == 0:
                self._delete(here, there, name)
            self._stopping.wait(_PAUSE_SECONDS)
        for client in clients:
            client.close()

    def _tried(self, act: Callable[[Client, Fact], str], client: Client, fact: Fact) -> str:
        try:
            return act(client, fact)
        except RagsqlError as error:
            self.errors.append(error)
            return ""

    def _upload(self, client: Client, fact: Fact) -> str:
        request = UploadRequest(filename=f"{fact.number}.md", content=fact.content)
        return client.documents.upload(request).document.name

    def _ingest(self, client: Client, fact: Fact) -> str:
        sha256, size = hashlib.sha256(fact.content).hexdigest(), len(fact.content)
        request = CreateUploadRequest(filename=f"{fact.number}.md", size_bytes=size, sha256=sha256)
        upload = client.documents.create_upload(request)
        headers = dict(upload.headers)
        httpx.put(upload.url, content=fact.content, headers=headers, trust_env=False).raise_for_status()
        return client.documents.ingest(IngestRequest(upload=upload.upload)).document.name

    def _find(self, client: Client, fact: Fact) -> str:
        if not fact.is_in(client.ask(fact.question, route="documents")):
            self.wrong.append(f"{fact} was not found although it had been acknowledged")
        return ""

    def _delete(self, here: Client, there: Client, name: str) -> None:
        fact = self.acknowledged.pop(name)
        try:
            here.documents.delete_document(DeleteDocumentRequest(name=name))
        except RagsqlError as error:
            self.errors.append(error)
            return
        self.deleted[name] = fact
        with suppress(RagsqlError):
            if fact.is_in(there.ask(fact.question, route="documents")):
                self.wrong.append(f"{fact} was cited although it had been deleted")


def _is_typed(error: RagsqlError) -> bool:
    """Whether it says that the process is gone, or names the setting of what is."""
    return error.is_unreachable or (error.code in _PASSING and bool(error.reason and _SETTING.search(str(error))))


def more(load: Load, count: int) -> Callable[[], bool]:
    """Whether so many more were acknowledged than now."""
    wanted = len(load.acknowledged) + count
    return lambda: len(load.acknowledged) >= wanted
