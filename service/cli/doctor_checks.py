"""What `ragsql doctor` looks at: settings and files first, then every backend at once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING

from service.cli import doctor_limits, doctor_servers
from service.cli.doctor_finding import Finding, within
from service.cli.doctor_probes import examined
from service.domain.caller import DEFAULT_CALLER

if TYPE_CHECKING:
    from service.app import Assembly
    from service.models.catalog import Model
    from service.ports import Database
    from service.settings import Settings

PULL = "Run `ragsql models pull`."
_LEAST_FREE_BYTES = 1_000_000_000


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """All findings."""
    from service.app import assemble
    from service.components import capabilities_of, components_of

    yield Finding("settings", "All settings can be read.")
    writable = _storage(settings)
    yield writable
    if writable.advice:
        return
    yield _space(settings)
    for finding in _models(settings):
        yield finding
    assembly = assemble(settings)
    try:
        parts = components_of(assembly.ports, settings, assembly.tracer)
        needed = {name for one in capabilities_of(assembly.ports).values() for name in one.needs}

        def look(name: str) -> Awaitable[Finding]:
            examination = examined(name, parts[name].adapter, assembly.ports, settings)
            return within(name, examination, required=name in needed)

        at_once = [name for name in parts if name not in ("cache", "database")]
        for finding in await asyncio.gather(*map(look, at_once), *_servers(settings), *_database(assembly)):
            yield finding
        limits = doctor_limits.limits(settings).items()  # after the others, which have loaded the SDKs
        for finding in await asyncio.gather(*(within(name, limit, required=False) for name, limit in limits)):
            yield finding
        yield await look("cache")  # alone: how fast it is would not be seen beside the others
        if assembly.ports.database is None:
            yield Finding("database", "No database is connected, so questions are answered from documents alone.")
    finally:
        await asyncio.to_thread(assembly.close)


def _storage(settings: Settings) -> Finding:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir) as file:
            file.write(b"ragsql")
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(
            "storage",
            f"{settings.data_dir} cannot be written: {reason}.",
            "Give this user the folder, or set RAGSQL_DATA_DIR to another.",
        )
    return Finding("storage", f"{settings.data_dir} can be written.")


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    told = f"{free / 1e9:.1f} GB are free for {settings.data_dir}."
    advice = "Free some space, or set RAGSQL_DATA_DIR to another disk." if free < _LEAST_FREE_BYTES else ""
    return Finding("space", told, advice, required=False)


def _models(settings: Settings) -> list[Finding]:
    from service.models.catalog import MINILM, QWEN_CODER
    from service.models.store import ModelStore

    store = ModelStore(settings.model_dir)
    needed: list[Model] = [MINILM] if settings.embedder == "minilm" else []
    needed += [QWEN_CODER] if settings.chat == "local" and settings.local_model is None else []
    found = [
        Finding("models", f"{model.name} is installed.")
        if store.is_installed(model)
        else Finding("models", f"{model.name}, for {model.used_for}, is not in {store.root}.", PULL)
        for model in needed
    ]
    local = settings.local_model
    if settings.chat == "local" and local is not None and not local.is_file():
        found.append(Finding("models", f"{local} is not there.", "Set RAGSQL_LOCAL_MODEL to a GGUF file."))
    return found


def _servers(settings: Settings) -> list[Awaitable[Finding]]:
    """Clocks and limits. What does not answer here is named by its port already."""
    clocks: list[Awaitable[Finding]] = [
        within(f"clock of {name}", doctor_servers.clock(name, url), required=False)
        for name, url in doctor_servers.http_servers(settings).items()
    ]
    named = doctor_servers.postgres_servers(settings)
    servers = [
        within(
            f"server of {name}",
            doctor_servers.postgres(name, url, doctor_servers.connections_to(url, named, settings)),
            required=False,
        )
        for name, url in named.items()
    ]
    return [*clocks, *servers]


def _database(assembly: Assembly) -> list[Awaitable[Finding]]:
    database = assembly.ports.database
    if database is None:
        return []
    advice = "Set DATABASE_URL to a database that answers."
    return [
        within("database", _tables(database), advice=advice),
        within("role", _role(database, assembly.settings.sql_policy), advice=advice),
    ]


async def _tables(database: Database) -> Finding:
    schema = await database.schema(DEFAULT_CALLER)
    if schema.tables:
        found = f"It answers ({schema.dialect}), and {len(schema.tables)} tables and views can be read."
        return Finding("database", found)
    return Finding(
        "database",
        f"It answers ({schema.dialect}), but no table can be read.",
        "GRANT SELECT on its tables to the role of DATABASE_URL, or name another database.",
    )


async def _role(database: Database, policy: str) -> Finding:
    access = await database.access(DEFAULT_CALLER)
    if access.problems:
        return Finding(
            "role",
            " ".join(access.problems) + " SQL therefore waits for approval.",
            "Have these statements run in this database with a password of your own, and put the new role in "
            "DATABASE_URL.",
            access.remedy,
        )
    who = f"The role {access.role}" if access.role else "The connection"
    runs = "waits for approval all the same" if policy == "require_approval" else "that passes the guard runs at once"
    return Finding("role", f"{who} can only read, so SQL {runs} (RAGSQL_SQL_POLICY={policy}).")
