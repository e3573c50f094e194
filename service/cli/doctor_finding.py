"""What a check of `ragsql doctor` found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from service.errors import RagsqlError

DEADLINE_SECONDS = 60.0
RETRY = "Change what it names and try again."


@dataclass(frozen=True, slots=True)
class Finding:
    """advice says what to do and is empty when all is well; sql is for the database's keeper.

    required says that the service cannot do something at all while there is advice. seconds is how long it took.
    """

    part: str
    found: str
    advice: str = ""
    sql: tuple[str, ...] = ()
    required: bool = True
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is to be done."""
        return not self.advice


async def within(part: str, check: Awaitable[Finding], *, required: bool = True, advice: str = RETRY) -> Finding:
    """What a check finds before its deadline. advice is for an error of the backend. Never raises."""
    start = time.monotonic()
    try:
        finding = await asyncio.wait_for(check, DEADLINE_SECONDS)
    except TimeoutError:
        late = "Look at its server and the network, and try again."
        finding = Finding(part, f"It did not answer within {DEADLINE_SECONDS:.0f} seconds.", late)
    except RagsqlError as error:
        finding = Finding(part, error.message, advice)
    return replace(finding, part=part, required=required, seconds=time.monotonic() - start)
