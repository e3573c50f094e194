"""Answers and what people thought of them, as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from service.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service.domain.caller import Caller


def save(connection: Connection, caller: Caller, answer_id: str, question: str) -> None:
    """Insert, unless it is here: a cached answer is given again under its own id."""
    from sqlalchemy.dialects import postgresql, sqlite

    from service.adapters.records.schema import answers as table

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(
        tenant=caller.tenant,
        id=answer_id,
        principal=caller.principal,
        question=question,
        create_time=dt.datetime.now(dt.UTC),
    )
    connection.execute(statement.on_conflict_do_nothing())


def save_feedback(
    connection: Connection, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str
) -> str:
    """Insert and return the feedback's id. Raises NotFound when there is no such answer."""
    from sqlalchemy import insert, select

    from service.adapters.records.schema import answers, feedback

    known = select(answers.c.id).where(answers.c.tenant == caller.tenant, answers.c.id == answer_id)
    if connection.execute(known).first() is None:
        raise NotFound(f"There is no answer {answer_id}. Use the id of an answer that a query returned.")
    feedback_id = uuid.uuid4().hex
    connection.execute(
        insert(feedback).values(
            tenant=caller.tenant,
            id=feedback_id,
            principal=caller.principal,
            answer_id=answer_id,
            rating=rating,
            comment=comment,
            corrected_sql=corrected_sql,
            create_time=dt.datetime.now(dt.UTC),
        )
    )
    return feedback_id
