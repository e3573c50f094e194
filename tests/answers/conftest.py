"""A whole service with real stores and a real database; only the models are replaced."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyqwest import Client
from pyqwest.testing import ASGITransport

from service.adapters.parsers.parser import DocumentParser
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.documents import Chunk, Passage
from service.domain.questions import Usage
from service.domain.spending import spend
from service.domain.sql import Schema
from service.domain.units import unit_in_context
from service.errors import NotConfigured
from service.ports import (
    CannotAnswer,
    ChatMessage,
    ChatOptions,
    ChatReply,
    EmbeddedChunk,
    Reading,
    SqlDraft,
    SqlRequest,
)
from service.settings import load
from service.transport.app import build_transport
from tests.answers.words import word_vector
from tests.hanging_model import HangingModel, hanging_model

if TYPE_CHECKING:
    from service.ports import Vectors


class WordEmbedder:
    """Texts that share words are near: a real embedder's contract without its model."""

    model = "words"
    dimension = 256
    max_tokens = 200

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        return [EmbeddedChunk(chunk, word_vector(chunk.text, self.dimension)) for chunk in chunks]

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        return word_vector(text, self.dimension)


class WordReader:
    """The share of words that a unit below its headings has in common with the question."""

    model = "words"

    async def read(self, caller: Caller, question: str, passages: Sequence[Passage]) -> list[Reading]:
        query = word_vector(question, WordEmbedder.dimension)
        return [self._read(query, passage) for passage in passages]

    def _read(self, query: Vectors, passage: Passage) -> Reading:
        texts = (unit_in_context(passage.chunk, unit) for unit in passage.chunk.units)
        shares = tuple(float(word_vector(text, WordEmbedder.dimension) @ query) for text in texts)
        return Reading(shares, tuple(6 * (share - 1) for share in shares))


@dataclass
class ScriptedGenerator:
    """Replies with what the test put in, for some rules or questions alone, and remembers what it was asked.

    What it replies was spent, as a real one's was on its chat model.
    """

    reply: SqlDraft | CannotAnswer | Exception = field(
        default_factory=lambda: NotConfigured("No chat model is installed: run `ragsql models pull`.")
    )
    requests: list[SqlRequest] = field(default_factory=list[SqlRequest])
    version: str = "scripted"
    replies: dict[str, SqlDraft | Exception] = field(default_factory=dict[str, "SqlDraft | Exception"])
    side_by_side: bool = False

    async def warm(self, caller: Caller, schema: Schema) -> None:
        """There is nothing to wake."""

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        self.requests.append(request)
        reply = self.replies.get(request.rule) or self.replies.get(request.question, self.reply)
        if isinstance(reply, Exception):
            raise reply
        spend(reply.usage)
        return reply


@dataclass
class ScriptedChat:
    """Says what the test put in, with its logarithm; without anything it is not installed."""

    says: Sequence[tuple[str, float]] | Exception = field(
        default_factory=lambda: NotConfigured("No chat model is installed: run `ragsql models pull`.")
    )
    asked: list[str] = field(default_factory=list[str])
    model: str = "scripted"
    supports_grammar: bool = False

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        self.asked.append(messages[-1].content)
        if isinstance(self.says, Exception):
            raise self.says
        return ChatReply(self.says[0][0], Usage(100, 1, models=(self.model,)), alternatives=tuple(self.says))


def draft(sql: str, confidence: float = 1.0) -> SqlDraft:
    return SqlDraft(sql, ("agent",), "Counts customers.", Usage(10, 5, models=("scripted",)), confidence)


@dataclass(frozen=True, slots=True)
class World:
    """A running assembly and its scripted models."""

    assembly: Assembly
    generator: ScriptedGenerator
    chat: ScriptedChat
    database: Path

    async def upload(self, filename: str, text: str) -> str:
        return (await self.assembly.use_cases.documents.upload(DEFAULT_CALLER, filename, text.encode())).document.id


@pytest.fixture(scope="session")
def parser() -> Iterator[DocumentParser]:
    """One for all tests: its first document costs an import."""
    shared = DocumentParser()
    yield shared
    shared.close()


@pytest.fixture
def world(tmp_path: Path, parser: DocumentParser) -> Iterator[World]:
    """A service over an empty store and a small database."""
    database = tmp_path / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.executescript(
            "CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT, customers INTEGER);"
            "INSERT INTO agent VALUES (1, 'Jane', 21), (2, 'Steve', 18);"
        )
    settings = load({"RAGSQL_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": f"sqlite:///{database}"})
    generator, chat = ScriptedGenerator(), ScriptedChat()
    assembly = assemble(
        settings, embedder=WordEmbedder(), reader=WordReader(), parser=parser, sqlgen=generator, chat=chat
    )
    yield World(assembly, generator, chat, database)
    assembly.close()


def http_client(world: World) -> Client:
    """What the generated clients speak through to the service."""
    return Client(ASGITransport(build_transport(world.assembly.use_cases)))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def rpc(world: World) -> Client:
    return http_client(world)


@pytest.fixture
def model() -> Iterator[HangingModel]:
    with hanging_model() as served:
        yield served
