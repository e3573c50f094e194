"""What is said of a request once it is over: where it went, how long each step took, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.domain.spending import spending
from service.usecases.steps import NOTHING, current, entered

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from service.domain.questions import Usage
    from service.ports.traces import Attributes, Span


@dataclass(slots=True)
class RequestRecord:
    """One request, or one file that arrived. seconds is 0 until it is over; reason is an ErrorReason or empty.

    steps adds up the seconds of each name. question is filled only where keeps_question says so.
    """

    request_id: str = ""
    cold_start: bool | None = None
    keeps_question: bool = False
    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0
    route: str = ""
    tenant: str = ""
    status: int = 0
    reason: str = ""
    question: str = ""
    steps: dict[str, float] = field(default_factory=dict[str, float])
    usage: Usage | None = None
    cache_hit: bool | None = None
    pages: int = 0


_record: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def recorded() -> RequestRecord | None:
    """The record of the request that is under way, None where none is kept."""
    return _record.get()


@contextmanager
def recording(record: RequestRecord) -> Generator[RequestRecord]:
    """Keep record for this block, and have its steps measured."""
    token = _record.set(record)
    with spending() as spent:
        try:
            with entered(_Step(record, "", current())):
                yield record
        finally:
            record.usage = spent() if spent.parts else None
            record.seconds = time.perf_counter() - record.began
            _record.reset(token)


class _Step:
    """A traces.Span that adds its time to the record. Whatever it is told goes to the span beside it too."""

    def __init__(self, record: RequestRecord, name: str, beside: Span) -> None:
        self._record, self._name, self._beside = record, name, beside
        self._began = time.perf_counter()

    def set(self, **attributes: Unpack[Attributes]) -> None:
        self._beside.set(**attributes)

    def rename(self, name: str) -> None:
        self._beside.rename(name)

    def fail(self, reason: str) -> None:
        self._beside.fail(reason)

    def child(self, name: str) -> Span:
        return _Step(self._record, name, self._beside.child(name))

    def end(self) -> None:
        if self._name:
            seconds = time.perf_counter() - self._began
            self._record.steps[self._name] = self._record.steps.get(self._name, 0.0) + seconds
            if self._beside is not NOTHING:
                self._beside.end()
