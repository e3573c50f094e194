"""What was read ahead of questions is read again when the schema is another one."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from service.domain.caller import Caller
from service.domain.sql import Schema
from service.startup import keep_warm
from tests.answers.conftest import World

pytestmark = pytest.mark.anyio


async def test_a_changed_schema_is_warmed_again_and_only_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[Schema] = []

    async def warm(caller: Caller, schema: Schema) -> None:
        warmed.append(schema)

    async def seen(count: int) -> None:
        async with asyncio.timeout(60):
            while len(warmed) < count:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(world.generator, "warm", warm)
    task = asyncio.create_task(keep_warm(world.assembly.route, world.assembly.ports, seconds=0.02))
    await seen(1)
    await asyncio.sleep(0.2)
    assert len(warmed) == 1
    away = world.database.rename(world.database.with_suffix(".away"))
    await asyncio.sleep(0.1)
    away.rename(world.database)
    with sqlite3.connect(world.database) as connection:
        connection.execute("CREATE TABLE office (id INTEGER PRIMARY KEY, city TEXT)")
    await seen(2)
    task.cancel()
    assert [len(schema.tables) for schema in warmed] == [1, 2]
