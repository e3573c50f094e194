"""`ragsql migrate`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import AsJson, ExitCode, complain, console, error_console, print_json

if TYPE_CHECKING:
    from service.app import Assembly
    from service.cli.migration_journal import MigrationJournal
    from service.settings import Settings
    from service.usecases.copying import Copied, CopyProgress, PartCopy, Report

To = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="FILE|NAME=VALUE",
        help="The new settings: a file of NAME=VALUE lines, or one of them. What is not named stays as it is.",
    ),
]


def migrate(to: To, as_json: AsJson = False) -> None:
    """Copy documents, passages with their vectors, files and knowledge to other backends.

    What the new settings keep elsewhere is copied and compared; the source
    is left as it is. A run that was interrupted goes on where it was. To
    move a busy service: run it while the servers run, stop them, run it
    again for what has changed, and start them with the new settings.
    """
    from service.cli.target_settings import places, target_settings
    from service.settings import load
    from service.startup import sole_run

    source = load()
    try:
        target = target_settings(to)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--to") from None
    here, there = places(source), places(target)
    parts = [part for part in here if here[part] != there[part]]
    if not parts:
        raise typer.BadParameter("These settings keep everything where it is already.", param_hint="--to")
    with sole_run(source.data_dir, "reindex.lock") as alone:
        if not alone:
            complain("Another `ragsql reindex` or `ragsql migrate` is running. Wait until it ends.")
            raise typer.Exit(ExitCode.FAILED)
        done = asyncio.run(_run(source, target, parts))
    if as_json:
        print_json([copied._asdict() for copied in done])
        return
    for copied in done:
        changes = f"{copied.moved} copied now, {copied.removed} removed"
        console().print(
            f"{copied.part}: {copied.items} in {there[copied.part][0]} ({changes}), compared, "
            f"checksum {copied.checksum[:16]}",
            markup=False,
        )
    console().print("Start the servers with the new settings.")


async def _run(source: Settings, target: Settings, parts: list[str]) -> list[Copied]:
    from rich.progress import BarColumn, Progress, TextColumn

    from service.app import assemble
    from service.cli.migration_journal import MigrationJournal
    from service.cli.target_settings import places

    before, after = assemble(source), assemble(target)
    columns = (BarColumn(bar_width=24), TextColumn("{task.fields[told]}", markup=False))
    done: list[Copied] = []
    try:
        copies = await _copies(before, after, parts)
        here, there = places(source), places(target)
        journals = {part: MigrationJournal(source.data_dir, part, here[part], there[part]) for part in parts}
        for part, copy in copies.items():
            await _check_target(part, copy, journals[part])
        with Progress(*columns, console=error_console(), transient=True) as bar:
            task = bar.add_task("", total=None, told="")

            def report(progress: CopyProgress) -> None:
                counted = f"{progress.done}/{progress.total}" if progress.total else str(progress.done)
                told = f"{progress.part} {counted}"
                bar.update(task, completed=progress.done, total=progress.total or None, told=told)

            for part, copy in copies.items():
                done.append(await _copy(copy, journals[part], report))
        return done
    finally:
        await asyncio.to_thread(before.close)
        await asyncio.to_thread(after.close)


async def _copies(before: Assembly, after: Assembly, parts: list[str]) -> dict[str, PartCopy]:
    """What is to be copied, in order. Raises NotConfigured when the embedding models differ."""
    from service.domain.caller import DEFAULT_CALLER
    from service.errors import NotConfigured
    from service.usecases.copy_blobs import CopyBlobs
    from service.usecases.copy_records import CopyRecords
    from service.usecases.copy_vectors import CopyVectors

    old, new = before.ports, after.ports
    tenants = sorted({DEFAULT_CALLER.tenant, *await old.records.list_tenants()})
    if "vectors" in parts and (old.embedder.model, old.embedder.dimension) != (
        new.embedder.model,
        new.embedder.dimension,
    ):
        raise NotConfigured(
            f"Vectors of {old.embedder.model} cannot be searched with {new.embedder.model}. Migrate with the embedding "
            "model as it is, and run `ragsql reindex` with the new one then."
        )
    copies: dict[str, PartCopy] = {
        "blobs": CopyBlobs(old.blobs, new.blobs, tenants),
        "vectors": CopyVectors(old.vectors, new.vectors, old.records, tenants),
        "records": CopyRecords(old.records, new.records),
    }
    return {part: copies[part] for part in copies if part in parts}


async def _check_target(part: str, copy: PartCopy, journal: MigrationJournal) -> None:
    """Raises NotConfigured unless all that the target holds was copied there."""
    from service.errors import NotConfigured

    if journal.fingerprint is None:
        if not await copy.is_empty():
            raise NotConfigured(f"The target of {part} is not empty. Name another with --to, or empty it.")
    elif journal.fingerprint and journal.fingerprint != await copy.fingerprint():
        raise NotConfigured(
            f"The target of {part} was changed after it was copied: it is in use, and copying again would undo that. "
            "Name another with --to, or empty it."
        )


async def _copy(copy: PartCopy, journal: MigrationJournal, report: Report) -> Copied:
    journal.note("")
    copied = await copy.copy(report)
    journal.note(await copy.fingerprint())
    return copied
