"""Where the time of a request goes, as spans: one for the request, one for each step below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypedDict, Unpack

from service.ports.checks import Checkable


class Attributes(TypedDict, total=False):
    """What may be said of a span: names, counts and sizes, never a row's values or a document's text.

    question is a person's words; a tracer leaves it out unless it was told to keep it.
    """

    service: str
    method: str
    model: str
    texts: int
    input_tokens: int
    output_tokens: int
    embedding_tokens: int
    cost_usd: float
    kind: str
    cache_hit: bool
    route: str
    confidence: float
    passages: int
    evidence: int
    chunks: int
    pages: int
    rows: int
    truncated: bool
    outcome: str
    question: str


class Span(Protocol):
    """A step that is under way, until end. What is set afterwards is lost."""

    def set(self, **attributes: Unpack[Attributes]) -> None:
        """Add attributes."""
        ...

    def rename(self, name: str) -> None:
        """Another name than it was begun with."""
        ...

    def fail(self, reason: str) -> None:
        """It ends with an error. reason is one of ErrorReason or the name of a class, never a message."""
        ...

    def child(self, name: str) -> Span:
        """A step of this one, begun now."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Tracer(Checkable, Protocol):
    """Begins traces and sends what has ended, in the background. Nobody waits for it and nothing fails with it."""

    def begin(self, name: str, headers: Mapping[str, str]) -> Span:
        """A span for a request, which continues the trace of its headers (W3C traceparent) if they name one."""
        ...

    def flush(self, seconds: float) -> None:
        """Send what has ended so far, for so many seconds at most. Blocks."""
        ...

    def close(self) -> None:
        """Send the rest, for a few seconds at most, and stop. Blocks."""
        ...
