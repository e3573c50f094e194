"""`ragsql documents`: list, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, Url, as_dict, console, print_json
from service.cli.remote import connected

if TYPE_CHECKING:
    from ragsql.v1.document_pb2 import Document
    from ragsql_client import Client

PAGE_SIZE = 250

app = typer.Typer(help="List and delete documents.", no_args_is_help=True)


@app.command("list")
def list_documents(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List every document, newest first."""
    with connected(url, as_json) as client:
        documents = _all(client)
    if as_json:
        print_json([as_dict(document) for document in documents])
    else:
        _show(documents)


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


def _all(client: Client) -> list[Document]:
    from ragsql.v1.document_service_pb2 import ListDocumentsRequest

    documents: list[Document] = []
    token = ""
    while True:
        page = client.documents.list_documents(ListDocumentsRequest(page_size=PAGE_SIZE, page_token=token))
        documents += page.documents
        token = page.next_page_token
        if not token:
            return documents


def _show(documents: list[Document]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ragsql.v1.document_pb2 import DocumentState

    if not documents:
        console().print("There are no documents. Add some with `ragsql upload PATH…`.", markup=False)
        return
    table = Table("id", "file", "state", "pages", "chunks", "bytes")
    for document in documents:
        state = DocumentState.Name(document.state).removeprefix("DOCUMENT_STATE_").lower()
        table.add_row(
            document.name.removeprefix("documents/"),
            Text(document.filename),
            state,
            str(document.page_count or ""),
            str(document.chunk_count),
            f"{document.size_bytes:,}",
        )
    console().print(table)
