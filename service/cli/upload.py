"""`ragsql upload`."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.documents import State, every_document
from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, complain, console, print_json
from service.cli.remote import connected
from service.cli.upload_files import Outcome, Upload, find

if TYPE_CHECKING:
    from ragsql.v1.document_pb2 import Document
    from ragsql_client import Client

MOST_JOBS = 32


def upload(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files; of a folder, every file in it.")],
    jobs: Annotated[int, typer.Option(help="Files at a time.", min=1, max=MOST_JOBS)] = 4,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Upload documents of up to 100 MiB each. What the server has already, unchanged, is not sent again.

    A folder is searched with the folders in it, but for hidden ones,
    node_modules, __pycache__ and links to folders. A file of it is named by
    its path in it: 2024/a.pdf becomes "2024 - a.pdf". What is no document is
    skipped.

    When it is interrupted, what the server has accepted stays, and the same
    command continues. Exits with 1 when any file failed, with 130 when
    interrupted. --json prints one object a file, as it ends, then a summary.
    """
    with _interruptible(), connected(url, as_json) as client:
        uploads = find(paths)
        if not uploads:
            _show_nothing(as_json)
            raise typer.Exit(ExitCode.FAILED)
        _run(url, uploads, jobs, as_json, _known(client, uploads))


def _run(url: str, uploads: list[Upload], jobs: int, as_json: bool, known: dict[str, Document]) -> None:
    """Upload and show what became of every file, also when that is cut short. Raises Exit when one failed."""
    from service.cli.upload_batch import Batch
    from service.cli.upload_view import View

    view = View(len(uploads), as_json)
    batch = Batch(known, view.end, view.follow)
    try:
        asyncio.run(batch.run(url, uploads, jobs))
    finally:
        view.close(batch.ended, batch.unfinished(uploads))
    if any(upload.outcome is Outcome.FAILED for upload in batch.ended):
        raise typer.Exit(ExitCode.FAILED)


def _show_nothing(as_json: bool) -> None:
    from service.cli.upload_view import summary_object

    if as_json:
        print_json(summary_object([], 0.0))
    else:
        console().print("There is no file to upload.")


def _known(client: Client, uploads: list[Upload]) -> dict[str, Document]:
    """The ACTIVE documents by filename; none for a single small file, which is sent as quickly as they are listed."""
    if len(uploads) == 1 and _is_small(uploads[0].path):
        return {}
    return {document.filename: document for document in every_document(client, [State.ACTIVE])}


def _is_small(path: Path) -> bool:
    from ragsql_client import SMALL_BYTES

    return not path.is_file() or path.stat().st_size <= SMALL_BYTES


@contextmanager
def _interruptible() -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        complain("Interrupted. Run the same command again to continue: what is done is left out.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
