"""What people thought of answers, and what was made of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promotion:
    """Who made an example of a corrected statement, when, and which."""

    item_id: str
    principal: str
    create_time: dt.datetime


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback on the answer to a question. rating is GOOD or BAD; corrected_sql may be empty and never runs."""

    id: str
    answer_id: str
    question: str
    principal: str
    rating: str
    comment: str
    corrected_sql: str
    create_time: dt.datetime
    promotion: Promotion | None = None
