"""`ragsql documents`: list, delete."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, Url, as_dict, console, print_json
from service.cli.remote import connected, every_page

if TYPE_CHECKING:
    from ragsql.v1.document_pb2 import Document
    from ragsql_client import Client

PAGE_SIZE = 250

app = typer.Typer(help="List and delete documents.", no_args_is_help=True)


class State(StrEnum):
    """The states of a document."""

    PENDING = "pending"
    PROCESSING = "processing"
    ACTIVE = "active"
    FAILED = "failed"


@app.command("list")
def list_documents(
    states: Annotated[
        list[State] | None, typer.Option("--state", help="Only those in this state; may be repeated.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List every document, newest first, with how far it is and why it failed."""
    with connected(url, as_json) as client:
        documents = every_document(client, states or ())
    if as_json:
        print_json([as_dict(document) for document in documents])
    elif documents:
        _show(documents)
    elif states:
        console().print(f"No document is {' or '.join(states)}.", markup=False)
    else:
        console().print("There are no documents. Add some with `ragsql upload PATH…`.", markup=False)


@app.command()
def delete(
    document: Annotated[str, typer.Argument(metavar="ID", help="As `ragsql documents list` shows it.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Delete a document with everything that was made of it."""
    from ragsql.v1.document_service_pb2 import DeleteDocumentRequest

    name = document if document.startswith("documents/") else f"documents/{document}"
    with connected(url, as_json) as client:
        client.documents.delete_document(DeleteDocumentRequest(name=name))
    if as_json:
        print_json({"deleted": name})
    else:
        console().print(f"Deleted {name}.", markup=False)


def every_document(client: Client, states: Iterable[State]) -> list[Document]:
    """The documents in these states, newest first, all if there are none. Raises RagsqlError."""
    from ragsql.v1.document_service_pb2 import ListDocumentsRequest

    request = ListDocumentsRequest(page_size=PAGE_SIZE, states=[f"DOCUMENT_STATE_{state.upper()}" for state in states])
    pages = every_page(client.documents.list_documents, request)
    return [document for page in pages for document in page.documents]


def _show(documents: list[Document]) -> None:
    """A table whose ids can be copied whole on 80 columns, then why documents failed."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("id", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for heading in ("pages", "chunks", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("file", overflow="fold")
    for document in documents:
        table.add_row(
            document.name.removeprefix("documents/"),
            _state(document),
            str(document.page_count or ""),
            str(document.chunk_count or ""),
            _size(document.size_bytes),
            Text(document.filename),
        )
    out.print(table)
    for document in documents:
        if document.failure_reason:
            out.print(f"{document.filename}: {document.failure_reason}", markup=False)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _state(document: Document) -> str:
    """The state, and how far it is."""
    from ragsql.v1.document_pb2 import DocumentState, IngestPhase

    state = DocumentState.Name(document.state).removeprefix("DOCUMENT_STATE_").lower()
    if not document.progress.phase:
        return state
    phase = IngestPhase.Name(document.progress.phase).removeprefix("INGEST_PHASE_").lower()
    count = f" {document.progress.done}/{document.progress.total}" if document.progress.total else ""
    return f"{phase}{count}"
