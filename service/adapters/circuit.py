"""A vendor that does not answer costs its timeout a few times, not at every call."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Circuit:
    """Opens after so many failures in a row; then one call in so many seconds may try again until one succeeds.

    Calls that run side by side and fail together count once. clock gives seconds that never run backwards.
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._seconds = seconds
        self.clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._last_failure = float("-inf")
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last calls failed."""
        return self._failures >= self._most

    def may_call(self) -> bool:
        """Whether to call now. While it is open, the caller that gets True is the one that tries."""
        with self._lock:
            if not self.is_open:
                return True
            if self.clock() < self._next_try:
                return False
            self._next_try = self.clock() + self._seconds
            return True

    def succeeded(self) -> None:
        """The vendor answered: all may call again."""
        with self._lock:
            self._failures = 0

    def failed(self, begun: float) -> None:
        """The vendor did not answer a call that began then, by clock."""
        with self._lock:
            if begun < self._last_failure:
                return
            self._failures += 1
            self._last_failure = self.clock()
            self._next_try = self._last_failure + self._seconds
