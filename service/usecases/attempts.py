"""Statements that are written by one rule each, some of them ahead of being asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from service.domain.questions import Usage
from service.ports import CannotAnswer, SqlDraft

Written = SqlDraft | CannotAnswer


@dataclass(frozen=True, slots=True)
class Attempts:
    """What write gives for a rule, begun at once for those that are wanted ahead. Raises what writing raises."""

    write: Callable[[str], Coroutine[Any, Any, Written]]
    _ahead: dict[str, asyncio.Task[Written]] = field(default_factory=dict[str, "asyncio.Task[Written]"])

    def begin(self, rules: Iterable[str]) -> None:
        """Start writing by all of these."""
        self._ahead.update({rule: asyncio.create_task(self.write(rule)) for rule in rules})

    def __call__(self, rule: str) -> Awaitable[Written]:
        """What was or is written by a rule."""
        return self._ahead.pop(rule, None) or self.write(rule)

    async def stop(self) -> Usage:
        """End what is not wanted any more. Says what of it was paid for."""
        for task in self._ahead.values():
            task.cancel()
        ended = await asyncio.gather(*self._ahead.values(), return_exceptions=True)
        return sum((one.usage for one in ended if not isinstance(one, BaseException)), Usage())
