"""What happens once, when the service starts: the sample handbook, and models that wake before the first question."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from service import samples
from service.domain.caller import DEFAULT_CALLER
from service.errors import RagsqlError
from service.ports import Database, SqlGenerator
from service.usecases.bundle import DocumentUseCases
from service.usecases.route_question import RouteQuestion

log = logging.getLogger("ragsql")

LOADED_MARK = "samples-loaded"


class Warmable(Protocol):
    """The adapters that take long to wake."""

    @property
    def database(self) -> Database | None: ...
    @property
    def sqlgen(self) -> SqlGenerator | None: ...


async def load_samples(documents: DocumentUseCases, data_dir: Path) -> None:
    """Upload the sample handbook, once for a data folder: a person who deletes it does not see it come back."""
    mark = data_dir / LOADED_MARK
    if mark.exists():
        return
    for path in samples.DOCUMENTS:
        await documents.upload(DEFAULT_CALLER, path.name, await asyncio.to_thread(path.read_bytes))
    await asyncio.to_thread(mark.touch)


async def warm(route: RouteQuestion, ports: Warmable) -> None:
    """Load the models and have them read the schema. What cannot be had now is tried again when it is needed."""
    try:
        await route.warm(DEFAULT_CALLER)
        if ports.database is not None and ports.sqlgen is not None:
            await ports.sqlgen.warm(DEFAULT_CALLER, await ports.database.schema(DEFAULT_CALLER))
    except RagsqlError as error:
        log.warning("%s", error.message)
