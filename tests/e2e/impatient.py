"""`ragsql` with processes that take over from each other after seconds, not after a minute."""

from __future__ import annotations

import datetime as dt
import functools

from service.cli.main import main
from service.usecases import heartbeat, ingest_arrival, manage_documents, take_over

if __name__ == "__main__":
    for module in (heartbeat, ingest_arrival, manage_documents, take_over):
        setattr(module, "LEASE", dt.timedelta(seconds=6))  # noqa: B010
    manage_documents.TAKE_OVER_SECONDS = 1.0
    setattr(manage_documents, "Heartbeat", functools.partial(heartbeat.Heartbeat, seconds=1.0))  # noqa: B010
    main()
