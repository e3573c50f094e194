"""Answers as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

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
