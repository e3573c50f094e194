"""What people thought of answers, as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.feedback import Feedback, Promotion
from service.errors import NotFound
from service.ports import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from service.domain.caller import Caller


def save(connection: Connection, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
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


def get(connection: Connection, caller: Caller, feedback_id: str) -> Feedback:
    """Raises NotFound."""
    from sqlalchemy import select

    from service.adapters.records.schema import feedback as table

    query = select(table).where(table.c.tenant == caller.tenant, table.c.id == feedback_id)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no feedback {feedback_id}. List the feedback to see which there is.")
    return _complete(connection, caller, [row])[0]


def page(connection: Connection, caller: Caller, size: int, token: str, waiting_only: bool) -> Page[Feedback]:
    """A page of the tenant's."""
    from sqlalchemy import exists

    from service.adapters.records.schema import feedback as table
    from service.adapters.records.schema import promotions

    condition = table.c.tenant == caller.tenant
    if waiting_only:
        promoted = exists().where(promotions.c.tenant == table.c.tenant, promotions.c.feedback_id == table.c.id)
        condition &= (table.c.corrected_sql != "") & ~promoted
    rows = paging.fetch(connection, table, condition, lambda row: row, size, token)
    return Page(tuple(_complete(connection, caller, rows.items)), rows.next_token)


def promote(connection: Connection, caller: Caller, feedback_id: str, promotion: Promotion) -> Promotion:
    """Insert unless there is one, and return the one that is stored."""
    from sqlalchemy.dialects import postgresql, sqlite

    from service.adapters.records.schema import promotions as table

    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    statement = insert(table).values(
        tenant=caller.tenant,
        feedback_id=feedback_id,
        item_id=promotion.item_id,
        principal=promotion.principal,
        create_time=promotion.create_time,
    )
    connection.execute(statement.on_conflict_do_nothing())
    return _promotions(connection, caller, [feedback_id])[feedback_id]


def _complete(connection: Connection, caller: Caller, rows: Sequence[Row[Any]]) -> list[Feedback]:
    """The rows with the questions of their answers and what was made of them."""
    from sqlalchemy import select

    from service.adapters.records.schema import answers

    wanted = [row.answer_id for row in rows]
    query = select(answers.c.id, answers.c.question).where(answers.c.tenant == caller.tenant, answers.c.id.in_(wanted))
    questions = {row.id: row.question for row in connection.execute(query)}
    promotions = _promotions(connection, caller, [row.id for row in rows])
    return [
        Feedback(
            row.id,
            row.answer_id,
            questions[row.answer_id],
            row.principal,
            row.rating,
            row.comment,
            row.corrected_sql,
            row.create_time,
            promotions.get(row.id),
        )
        for row in rows
    ]


def _promotions(connection: Connection, caller: Caller, feedback_ids: Sequence[str]) -> dict[str, Promotion]:
    from sqlalchemy import select

    from service.adapters.records.schema import promotions as table

    query = select(table).where(table.c.tenant == caller.tenant, table.c.feedback_id.in_(feedback_ids))
    return {
        row.feedback_id: Promotion(row.item_id, row.principal, row.create_time) for row in connection.execute(query)
    }
