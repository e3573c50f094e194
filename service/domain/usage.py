"""What models were used for, added up by day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from service.domain.questions import Usage


class UsageKind(StrEnum):
    """What tokens were spent on. CACHED ones were not: they are what answers from the cache would have cost."""

    DOCUMENTS = "DOCUMENTS"
    QUESTIONS = "QUESTIONS"
    SQL = "SQL"
    CACHED = "CACHED"


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """What one model was used for on one day, in UTC. calls counts uses of the model; usage names this model alone."""

    day: dt.date
    kind: UsageKind
    model: str
    calls: int
    usage: Usage

    def __add__(self, other: UsageTotal) -> UsageTotal:
        """Both, of one day, kind and model."""
        usage = Usage(*self.usage.sums(other.usage), (self.model,))
        return UsageTotal(self.day, self.kind, self.model, self.calls + other.calls, usage)
