"""What happens once, when the service starts: the sample handbook, and models that wake before the first question."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
from collections.abc import Generator
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
LOCK = "server.lock"
CHECK_SECONDS = 60.0


class Warmable(Protocol):
    """The adapters that take long to wake."""

    @property
    def database(self) -> Database | None: ...
    @property
    def sqlgen(self) -> SqlGenerator | None: ...


@contextlib.contextmanager
def sole_server(data_dir: Path) -> Generator[bool]:
    """Whether no other process serves from this folder. Until this ends, none can say so."""
    with sole_run(data_dir, LOCK) as alone:
        if not alone:
            log.warning("Another server uses %s. What it left unfinished is not touched by this one.", data_dir)
        yield alone


@contextlib.contextmanager
def sole_run(data_dir: Path, lock: str) -> Generator[bool]:
    """Whether no other process holds this lock of the folder. Until this ends, none can say so."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / lock).open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


async def load_samples(documents: DocumentUseCases, data_dir: Path) -> None:
    """Upload the sample handbook, once for a data folder: a person who deletes it does not see it come back.

    Where a backend is down, the next start tries again.
    """
    mark = data_dir / LOADED_MARK
    if mark.exists():
        return
    try:
        for path in samples.DOCUMENTS:
            await documents.upload(DEFAULT_CALLER, path.name, await asyncio.to_thread(path.read_bytes))
        await asyncio.to_thread(mark.touch)
    except RagsqlError as error:
        log.warning("The sample handbook is not loaded. %s", error.message)


async def warm(route: RouteQuestion, ports: Warmable) -> None:
    """Load the models and have them read the schema. What cannot be had now is tried again when it is needed."""
    try:
        await route.warm(DEFAULT_CALLER)
        if ports.database is not None:
            # Has the stored values read that questions are linked by, so that no question has to.
            await ports.database.find_values(DEFAULT_CALLER, ())
        if ports.database is not None and ports.sqlgen is not None:
            await ports.sqlgen.warm(DEFAULT_CALLER, await ports.database.schema(DEFAULT_CALLER))
    except RagsqlError as error:
        log.warning("%s", error.message)


async def keep_warm(route: RouteQuestion, ports: Warmable, seconds: float = CHECK_SECONDS) -> None:
    """Warm, and again when the schema is another one, which is looked up every so many seconds. Ends when cancelled."""
    await warm(route, ports)
    warmed = await _epoch(ports.database)
    while ports.database is not None:
        await asyncio.sleep(seconds)
        found = await _epoch(ports.database)
        if found not in ("", warmed):
            await warm(route, ports)
            warmed = found


async def _epoch(database: Database | None) -> str:
    """Empty while the database cannot be asked."""
    try:
        return (await database.schema(DEFAULT_CALLER)).epoch if database else ""
    except RagsqlError:
        return ""
