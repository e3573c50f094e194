"""`ragsql models`: pull, list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.output import AsJson, console, error_console, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

    from service.models.catalog import Model
    from service.models.pull import PullProgress
    from service.models.store import ModelStore

app = typer.Typer(help="Get and list the models that run on this machine.", no_args_is_help=True)


@app.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", help="As `ragsql models list` shows them.", show_default="all"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download models, verify them, and keep them by hash. What is there already is not fetched again."""
    from service.models.catalog import CATALOG, find
    from service.models.pull import pull as pull_model

    store = _store()
    models = [find(name) for name in names] if names else list(CATALOG)
    with _progress(as_json) as progress:
        for model in models:
            pull_model(model, store, _reporter(progress, model))
    if as_json:
        print_json([_as_dict(model, store) for model in models])
    else:
        console().print(f"{', '.join(m.name for m in models)}: ready in {store.root}", markup=False)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models that can be pulled, which of them are here, and what uses them."""
    from rich.table import Table

    from service.models.catalog import CATALOG

    store = _store()
    if as_json:
        print_json([_as_dict(model, store) for model in CATALOG])
        return
    table = Table("model", "used for", "size", "licence", "here")
    for model in CATALOG:
        here = "yes" if store.is_installed(model) else "no"
        table.add_row(model.name, model.used_for, f"{model.size / 1e6:,.0f} MB", model.licence, here)
    console().print(table)
    console().print(f"Kept in {store.root}", style="dim", markup=False)


def _store() -> ModelStore:
    from service.models.store import ModelStore
    from service.settings import load

    return ModelStore(load().model_dir)


def _as_dict(model: Model, store: ModelStore) -> dict[str, Any]:
    return {
        "name": model.name,
        "usedFor": model.used_for,
        "sizeBytes": model.size,
        "sha256": model.sha256,
        "licence": model.licence,
        "installed": store.is_installed(model),
        "path": str(store.folder(model)),
    }


def _progress(as_json: bool) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[step]}"),
    )
    return Progress(*columns, console=error_console(), disable=as_json)


def _reporter(progress: Progress, model: Model) -> Callable[[PullProgress], None]:
    task = progress.add_task(model.name, total=model.size, step="")

    def report(at: PullProgress) -> None:
        step = f"from {at.source}" if at.step == "fetching" and at.source else at.step
        progress.update(task, completed=at.bytes_done, step=step)

    return report
