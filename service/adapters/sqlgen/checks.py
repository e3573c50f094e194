"""What every generator does before it asks a model, and with a statement that passed. Nothing is run."""

from __future__ import annotations

import re

from service.adapters.sqlgen.candidates import Candidate
from service.adapters.sqlgen.confidence import Rater, rate
from service.adapters.sqlgen.coverage import asked_back
from service.adapters.sqlgen.explanation import explain
from service.domain.questions import Usage
from service.domain.schema_linking import Links
from service.domain.sql import LEAST_CONFIDENCE
from service.ports import CannotAnswer, SqlDraft, SqlRequest

ONLY_READING = "The question asks to change data, and only reading is possible."
_WRITE = re.compile(
    r"^\W*(please\s+|can you\s+|could you\s+)?"
    r"(delete|drop|truncate|insert|update|remove|erase|alter|create|grant|revoke)\b",
    re.IGNORECASE,
)


def asks_to_write(question: str) -> bool:
    """Whether a question is a request to change data, which no model needs to read."""
    return bool(_WRITE.match(question))


def draft(
    found: Candidate, request: SqlRequest, links: Links, usage: Usage, rating: Rater = rate
) -> SqlDraft | CannotAnswer:
    """A statement with what a reviewer wants to know about it; one that reads no table answers nothing."""
    if not found.guarded.tables:
        return CannotAnswer(asked_back("", request, links), usage)
    rated = rating(found, request, links)
    doubts = rated.doubts if rated.confidence < LEAST_CONFIDENCE else ()
    said = " ".join((explain(found.guarded.sql, request.schema.dialect), *doubts))
    return SqlDraft(found.guarded.sql, found.guarded.tables, said, usage, rated.confidence)
