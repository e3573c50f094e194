"""Asking a vendor again: only after failures that pass, a few times, with growing pauses, within the deadline.

The SDKs' own retries are switched off, so that this holds for all of them.
"""

from __future__ import annotations

import email.utils
import logging
import random
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

T = TypeVar("T")
Pause = Callable[[Exception], float | None]
"""How long the vendor wants to be left alone after an error: 0 when it does not say, None when asking is no use."""

ATTEMPTS = 3
LONGEST_PAUSE_SECONDS = 20.0
"""A vendor that wants to be left alone for longer is not waited for."""
_FIRST_PAUSE, _JITTER, _LONGEST_OWN_PAUSE = 0.25, 0.25, 4.0
log = logging.getLogger("ragsql")


async def retrying(work: Callable[[], Awaitable[T]], pause: Pause, seconds: float) -> T:
    """What work returns, tried three times at most. Raises its last error.

    Without a wish of the vendor the pauses are .25 and .5 seconds and up to .25 more. None is begun that would end
    after so many seconds from now.
    """
    deadline = time.monotonic() + seconds
    try:
        return await work()
    except Exception as error:
        if pause(error) is None:
            raise
        return await _again(error, work, pause, deadline)


async def _again(first: Exception, work: Callable[[], Awaitable[T]], pause: Pause, deadline: float) -> T:
    """The attempts after the first, whose error counts as one: what works at once pays nothing for the others."""
    failed: list[Exception] = [first]

    def again(error: BaseException) -> bool | float:
        wished = pause(error) if isinstance(error, Exception) else None  # one that is cancelled comes here, too
        if wished is None or wished > min(LONGEST_PAUSE_SECONDS, deadline - time.monotonic()):
            return False
        return wished + random.uniform(0, _JITTER) if wished > 0 else True

    attempts = _stamina().retry_context(
        again,
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=_FIRST_PAUSE,
        wait_max=_LONGEST_OWN_PAUSE,
        wait_jitter=_JITTER,
    )
    async for attempt in attempts:
        with attempt:
            if failed:
                raise failed.pop()
            return await work()
    raise AssertionError("the last attempt returns or raises")


def retry_after(value: str | None) -> float:
    """The seconds of a Retry-After header, which holds a number or a date; 0 when it says nothing that can be read."""
    try:
        return max(0.0, float(value or 0))
    except ValueError:
        return _until(value or "")


def _until(date: str) -> float:
    try:
        parsed = email.utils.parsedate_tz(date)
        return max(0.0, email.utils.mktime_tz(parsed) - time.time()) if parsed else 0.0
    except (ValueError, OverflowError, OSError):
        return 0.0


@lru_cache(maxsize=1)
def _stamina() -> Any:
    """The library, told to log the kind of an error alone: its words are the vendor's."""
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([_note])
    return stamina


def _note(details: RetryDetails) -> None:
    kind = type(details.caused_by)
    vendor = kind.__module__.partition(".")[0]
    log.info("%s.%s: asked again in %.2f s", vendor, kind.__qualname__, details.wait_for)
