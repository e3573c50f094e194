"""`ragsql upload`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, as_dict, console, error_console, print_json
from service.cli.remote import connected, error_as_dict

if TYPE_CHECKING:
    from ragsql.v1.document_service_pb2 import UploadResponse
    from ragsql_client import Client


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of one file: a response, or an error with the same for machines."""

    path: Path
    response: UploadResponse | None = None
    problem: str = ""
    error: dict[str, Any] | None = None


def upload(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files; of a folder, every file in it.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Upload documents. Exits with 1 when any of them failed; the others are kept."""
    from rich.progress import track

    files = [file for path in paths for file in _files(path)]
    with connected(url, as_json) as client:
        steps = track(files, "Uploading", console=error_console(), disable=as_json, transient=True)
        uploads = [_upload(client, file) for file in steps]
    if as_json:
        print_json([_as_dict(item) for item in uploads])
    else:
        _show(uploads)
    if not uploads or any(item.response is None for item in uploads):
        raise typer.Exit(ExitCode.FAILED)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = (file for file in sorted(path.rglob("*")) if file.is_file())
    return [file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts)]


def _upload(client: Client, path: Path) -> Upload:
    """Upload one file. An unreachable server ends the command, any other failure only this file."""
    from ragsql_client import RagsqlError

    try:
        return Upload(path, client.upload(path))
    except RagsqlError as error:
        if error.is_unreachable:
            raise
        return Upload(path, problem=error.message, error=error_as_dict(error))
    except OSError as error:
        problem = f"The file cannot be read: {error.strerror}."
        return Upload(path, problem=problem, error={"code": "invalid_argument", "message": problem})


def _as_dict(item: Upload) -> dict[str, Any]:
    if item.response is None:
        return {"path": str(item.path), "error": item.error}
    return {"path": str(item.path), **as_dict(item.response)}


def _show(uploads: list[Upload]) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not uploads:
        out.print("There is no file to upload.")
    for item in uploads:
        if item.response is not None:
            document = item.response.document
            known = ", known already" if item.response.cache_hit else ""
            out.print(f"{item.path}: {document.chunk_count} chunks{known} ({document.name})", markup=False)
    failed = [item for item in uploads if item.response is None]
    if failed:
        table = Table("file", "what went wrong", title=f"{len(failed)} of {len(uploads)} failed")
        for item in failed:
            table.add_row(Text(str(item.path)), Text(item.problem))
        error_console().print(table)
