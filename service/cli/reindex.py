"""`ragsql reindex`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from service.cli.output import AsJson, ExitCode, complain, console, error_console, print_json

if TYPE_CHECKING:
    from service.usecases.reindex import Reindexed, ReindexProgress


def reindex(as_json: AsJson = False) -> None:
    """Embed everything anew with the model of the settings.

    For after a change of the embedding model. Set the new model for this
    command alone and let the servers run: they serve the old index, and take
    uploads, until the new one takes its place. Then start them again with
    the new setting. A run that was interrupted goes on where it was.
    """
    from service.settings import load
    from service.startup import sole_run

    settings = load()
    with sole_run(settings.data_dir, "reindex.lock") as alone:
        if not alone:
            complain("Another `ragsql reindex` or `ragsql migrate` is running. Wait until it ends.")
            raise typer.Exit(ExitCode.FAILED)
        done, model, dimension = asyncio.run(_run())
    if as_json:
        print_json(asdict(done) | {"new_model": model, "new_dimension": dimension})
        return
    console().print(_summary(done, model, dimension), markup=False)


async def _run() -> tuple[Reindexed, str, int]:
    from rich.progress import BarColumn, Progress, TextColumn

    from service.app import assemble
    from service.settings import load

    assembly = assemble(load())
    columns = (BarColumn(bar_width=24), TextColumn("{task.fields[told]}", markup=False))
    try:
        with Progress(*columns, console=error_console(), transient=True) as bar:
            task = bar.add_task("", total=None, told="Looking at the index…")

            def report(progress: ReindexProgress) -> None:
                documents = f"{progress.documents}/{progress.total} documents  " if progress.total else ""
                bar.update(
                    task,
                    completed=progress.documents,
                    total=progress.total or bar.tasks[task].total,
                    told=f"{documents}{progress.chunks} passages",
                )

            done = await assembly.reindex(report)
        return done, assembly.ports.embedder.model, assembly.ports.embedder.dimension
    finally:
        await asyncio.to_thread(assembly.close)


def _summary(done: Reindexed, model: str, dimension: int) -> str:
    knowledge = f" {done.knowledge} pieces of knowledge were embedded." if done.knowledge else ""
    if not done.needed:
        return f"The index is of {model} ({dimension} dimensions) already.{knowledge}"
    told = (
        f"The index was of {done.model} ({done.dimension} dimensions) and is of {model} ({dimension}) now: "
        f"{done.documents} documents, {done.chunks} passages embedded.{knowledge}"
    )
    if done.rechunked:
        told += f" {done.rechunked} documents were cut into shorter passages, as this model reads less."
    if done.cut_off:
        told += f" The longest passages of {done.cut_off} documents are found by their beginning and by words only."
    return f"{told} Start the servers again with the new setting."
