"""Statements that are written by one rule each, some of them ahead of being asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

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

    async def stop(self) -> None:
        """End what is not wanted any more."""
        for task in self._ahead.values():
            task.cancel()
        await asyncio.gather(*self._ahead.values(), return_exceptions=True)
