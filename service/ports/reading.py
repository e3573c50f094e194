"""What reads retrieved passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.ports.checks import Checkable

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.documents import Passage


@dataclass(frozen=True, slots=True)
class Reading:
    """How the units of one passage read for a question: one number a unit, in order, comparable between questions.

    meaning is how near the unit is to the question, at most 1. answers is the natural logarithm of the probability
    that the unit answers it rather than another unit of the passage or none, at most 0.
    """

    meaning: tuple[float, ...]
    answers: tuple[float, ...]


class Reader(Checkable, Protocol):
    """How well text answers a question. model is part of every key that depends on it."""

    model: str

    async def read(self, caller: Caller, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading a passage, in order. It depends on the question and the passage alone."""
        ...
