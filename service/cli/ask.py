"""`ragsql ask`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, as_dict, print_json
from service.cli.remote import connected

if TYPE_CHECKING:
    from ragsql.v1.query_service_pb2 import QueryResponse


class RouteWord(StrEnum):
    """--route."""

    DOCUMENTS = "documents"
    SQL = "sql"
    HYBRID = "hybrid"


def ask(
    question: Annotated[str, typer.Argument(help="In natural language.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    route: Annotated[RouteWord | None, typer.Option(help="Force a route.", show_default="the server decides")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Run no SQL before a person approved it.")] = False,
    top_k: Annotated[int | None, typer.Option(help="Passages to retrieve, 1 to 50.", show_default="8")] = None,
) -> None:
    """Ask a question. Exits with 3 when there is no answer and with 5 when SQL waits for approval."""
    from service.cli.answer_view import AnswerView

    policy = "require_approval" if approve else None
    word = None if route is None else route.value
    with connected(url, as_json) as client:
        if as_json:
            response = client.ask(question, route=word, sql_policy=policy, top_k=top_k)
            print_json(as_dict(response))
        else:
            view = AnswerView()
            for event in client.stream(question, route=word, sql_policy=policy, top_k=top_k):
                view.show(event)
            response = view.final
    raise typer.Exit(_exit_code(response))


def _exit_code(response: QueryResponse) -> ExitCode:
    match response.WhichOneof("outcome"):
        case "answer":
            return ExitCode.OK
        case "pending_sql":
            return ExitCode.SQL_PENDING
        case _:
            return ExitCode.NO_ANSWER
