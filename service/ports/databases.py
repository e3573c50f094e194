"""The user's database, and SQL for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from service.ports.checks import Checkable

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.questions import Usage
    from service.domain.sql import Access, ExecutionLimits, KnowledgeItem, Schema, ValueMatch
    from service.domain.tables import Table


class Database(Checkable, Protocol):
    """The user's database, read only."""

    dialect: Literal["sqlite", "postgresql"]

    async def schema(self, caller: Caller, *, fresh: bool = False) -> Schema:
        """What the role may read, cached for a short while unless it is to be fresh. Raises UpstreamUnavailable."""
        ...

    async def is_read_only(self, caller: Caller) -> bool:
        """Whether it is proven, now, that this connection cannot write. False when the proof cannot be made."""
        ...

    async def access(self, caller: Caller) -> Access:
        """What stands in the way of that proof, for an administrator. Raises UpstreamUnavailable."""
        ...

    async def find_values(self, caller: Caller, words: Sequence[str]) -> list[ValueMatch]:
        """Stored texts that occur in words, which are a question's words in order; longest first, at most 20.

        Case and accents do not matter. A full name is also found by one of its parts when few values have it.
        Secret and contact columns are never searched. Raises UpstreamUnavailable.
        """
        ...

    async def explain(self, caller: Caller, sql: str) -> None:
        """Plan without running. Raises SqlExecutionFailed with the database's own words."""
        ...

    async def execute(self, caller: Caller, sql: str, limits: ExecutionLimits) -> Table:
        """Run a guarded statement in a read-only transaction that is always rolled back.

        Raises SqlTimeout, SqlExecutionFailed with the database's own words, UpstreamUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class SqlRequest:
    """What a statement is to be written for. rule is a sentence of a document that decides what to select, or empty."""

    question: str
    schema: Schema
    knowledge: tuple[KnowledgeItem, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class SqlDraft:
    """A statement that passed the guard. Nothing has run. confidence is 0 to 1."""

    sql: str
    tables: tuple[str, ...]
    explanation: str
    usage: Usage
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class CannotAnswer:
    """The generator declined, with the reason for a person."""

    reason: str
    usage: Usage


class SqlGenerator(Protocol):
    """Questions to guarded SQL. version names the model, the prompt and whatever else decides what is written.

    side_by_side says that several questions asked at once are answered sooner than one after the other.
    """

    @property
    def version(self) -> str: ...

    @property
    def side_by_side(self) -> bool: ...

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        """Write, guard, and repair at most twice. Executes nothing.

        Raises NotConfigured when there is no chat model, UpstreamUnavailable when it fails.
        """
        ...

    async def warm(self, caller: Caller, schema: Schema) -> None:
        """Do now what the first question over this schema would have to wait for. Raises like generate."""
        ...
