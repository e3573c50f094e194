"""What models are used for in a block of work, added up."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain.questions import Usage

_spending: ContextVar[list[Usage] | None] = ContextVar("spending", default=None)
_counting: ContextVar[list[int] | None] = ContextVar("counting", default=None)


class Spent:
    """The usage of a block, so far."""

    def __init__(self) -> None:
        self.parts: list[Usage] = []

    def __call__(self) -> Usage:
        """The sum."""
        from service.domain.questions import Usage

        return sum(self.parts, Usage())


@contextmanager
def spending() -> Generator[Spent]:
    """What is spent in the block, in this task and in those that it starts. What was begun before does not count.

    Blocks may be nested.
    """
    spent, around = Spent(), _spending.get()
    token = _spending.set(spent.parts)
    try:
        yield spent
    finally:
        _spending.reset(token)
        if around is not None:
            around += spent.parts


def spend(usage: Usage) -> None:
    """Count usage for the block that is under way, and so for those around it."""
    if (parts := _spending.get()) is not None:
        parts.append(usage)


@contextmanager
def counting() -> Generator[list[int]]:
    """The tokens that a server says it counted in the block, a number a call. Empty where none says so."""
    counts: list[int] = []
    token = _counting.set(counts)
    try:
        yield counts
    finally:
        _counting.reset(token)


def counted(tokens: int) -> None:
    """Tell the block around a call what its server counted."""
    if (counts := _counting.get()) is not None:
        counts.append(tokens)
