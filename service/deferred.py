"""Objects that are made when they are first used, so that starting costs nothing for what is not needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class _Deferred:
    """Stands for the object that make returns; every attribute is that object's."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object = None
        self._making = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)


def deferred(make: Callable[[], T]) -> T:
    """What make returns, made on first use, once also under threads. What make raises, that use raises."""
    return cast(T, _Deferred(make))
