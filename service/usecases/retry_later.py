"""Put off what an outage interrupted, in the record alone: whichever process lives then makes the next attempt."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import Overloaded, RagsqlError, UpstreamUnavailable
from service.ports import DocumentRecords
from service.usecases.sql_statements import now

MENDABLE: tuple[type[RagsqlError], ...] = (UpstreamUnavailable, Overloaded)
"""What may go well at another attempt."""
PAUSES = tuple(dt.timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))
"""Before each next attempt. The last one repeats."""
MOST_ATTEMPTS = 40
"""About six hours."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The document is PENDING meanwhile, and says what it waits for."""

    records: DocumentRecords
    clock: Callable[[], dt.datetime] = now

    async def __call__(self, caller: Caller, document: Document, error: RagsqlError) -> bool:
        """False when there were enough attempts. Where the records fail too, whoever finds it later goes on."""
        attempts = document.attempts + 1
        if attempts >= MOST_ATTEMPTS:
            return False
        time = self.clock() + PAUSES[min(attempts, len(PAUSES)) - 1]
        said = f"Attempt {attempts} of {MOST_ATTEMPTS} failed, the next one follows at {time:%H:%M:%S} UTC."
        again = replace(document, attempts=attempts, retry_time=time)
        await self._save(caller, again, f"{error.message} {said}", error)
        return True

    async def wait(self, caller: Caller, document: Document, error: RagsqlError) -> None:
        """Put it off for as long as it takes: what is to change takes a person."""
        time = self.clock() + PAUSES[2]
        await self._save(caller, replace(document, retry_time=time), error.message, error)

    async def _save(self, caller: Caller, document: Document, sentence: str, error: RagsqlError) -> None:
        _log.warning("The document %s waits. %s", document.id, sentence)
        pending = replace(
            document,
            state=DocumentState.PENDING,
            failure_reason=sentence,
            error_reason=error.reason,
            update_time=self.clock(),
        )
        try:
            await self.records.update_document(caller, pending)
        except RagsqlError:
            _log.exception("That a document waits could not be stored; it is found all the same.")
