"""A call that works on a PostgreSQL server, and one that must not."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from service.adapters.databases.postgres import PostgresDatabase
from service.domain.caller import Caller
from service.domain.sql import ExecutionLimits
from service.errors import RagsqlError

LIMITS = ExecutionLimits()


async def one(database: PostgresDatabase, caller: Caller) -> None:
    """Have it select 1."""
    assert (await database.execute(caller, "SELECT 1", LIMITS)).rows == ((1,),)


async def told(act: Awaitable[Any], kind: type[RagsqlError], match: str) -> None:
    """Have act fail as kind, with a sentence that tells no password."""
    with pytest.raises(kind, match=match) as failure:
        await act
    assert "p@ss" not in failure.value.message
