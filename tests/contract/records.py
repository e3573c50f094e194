"""What tests of records keep and read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid

import numpy as np

from service.domain.audit import AuditAction, AuditEvent
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.documents import Upload
from service.domain.sql import SqlStatement, StatementState
from service.ports import RecordStore

START = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
UNIT = np.eye(1, 4, dtype=np.float32)
FAR = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)


def upload(upload_id: str, *, minutes: int = 0) -> Upload:
    time = START + dt.timedelta(minutes=minutes)
    return Upload(upload_id, "Größe.pdf", 100 * 2**20, "ab" * 32, time, time + dt.timedelta(hours=1))


def statement(statement_id: str, *, minutes: int = 0, **changed: object) -> SqlStatement:
    values = SqlStatement(
        id=statement_id,
        question="How many?",
        sql="SELECT 1",
        dialect="sqlite",
        explanation="One.",
        tables=("albums", "Größe"),
        etag="e",
        state=StatementState.PROPOSED,
        create_time=START + dt.timedelta(minutes=minutes),
        expire_time=FAR,
    )
    return dataclasses.replace(values, **changed)  # pyright: ignore[reportArgumentType]


def event(statement_id: str, *, minutes: int = 0, **changed: object) -> AuditEvent:
    values = AuditEvent(
        id=uuid.uuid4().hex,
        create_time=START + dt.timedelta(minutes=minutes),
        principal="ann",
        action=AuditAction.GENERATED,
        statement_id=statement_id,
        etag="e",
        sql="SELECT 1",
    )
    return dataclasses.replace(values, **changed)  # pyright: ignore[reportArgumentType]


async def all_ids(store: RecordStore, caller: Caller, size: int = 10) -> list[str]:
    ids: list[str] = []
    token = ""
    while True:
        page = await store.list_documents(caller, size, token)
        ids += [document.id for document in page.items]
        token = page.next_token
        if not token:
            return ids


async def use(store: RecordStore) -> None:
    """Touch what the versions added, and the log that nobody may change."""
    await store.save_upload(DEFAULT_CALLER, upload("u"))
    assert await store.get_upload(DEFAULT_CALLER, "u") == upload("u")
    await store.save_statement(DEFAULT_CALLER, statement("s"), event("s"))
    assert await store.count_items(DEFAULT_CALLER) == 0
