"""What reads retrieved passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from service.domain.caller import Caller
from service.domain.documents import Passage
from service.ports.checks import Checkable


class Reader(Checkable, Protocol):
    """How well text answers a question. model is part of every key that depends on it."""

    model: str

    async def read(self, caller: Caller, question: str, passages: Sequence[Passage]) -> list[tuple[float, ...]]:
        """How well each unit of each passage answers the question: one tuple a passage, one number a unit, in order.

        A unit's number depends on the question and the unit alone, so that it is comparable between questions; 1 is
        the most.
        """
        ...
