"""Objects that are made when they are first used, so that starting costs nothing for what is not needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from service.domain.health import ComponentHealth
    from service.ports import Checkable

T = TypeVar("T")


class _Deferred:
    """Stands for the object that make returns; every attribute is that object's."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object = None
        self._making = threading.Lock()

    @property
    def is_made_(self) -> bool:
        return self._made is not None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            with self._making:
                if self._made is None:
                    self._made = self._make()
        return getattr(self._made, name)


class FirstCheck:
    """A Checkable that asks first for as long as then is deferred and nothing has used it."""

    def __init__(self, first: Checkable, then: Checkable) -> None:
        self._first, self._then = first, then

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        return await (self._then if is_made(self._then) else self._first).check()


def is_made(thing: object) -> bool:
    """Whether thing is there: anything but a deferred object that nothing has used yet."""
    return not isinstance(thing, _Deferred) or thing.is_made_


def deferred(make: Callable[[], T]) -> T:
    """What make returns, made on first use, once also under threads. What make raises, that use raises."""
    return cast(T, _Deferred(make))
