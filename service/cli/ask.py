"""`ragsql ask`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, as_dict, print_json
from service.cli.remote import connected, interruptible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragsql.v1.query_service_pb2 import QueryResponse, StreamQueryResponse


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
    policy = "require_approval" if approve else None
    word = None if route is None else route.value
    with connected(url, as_json) as client:

        def work() -> QueryResponse:
            if not as_json:
                return _shown(client.stream(question, route=word, sql_policy=policy, top_k=top_k))
            response = client.ask(question, route=word, sql_policy=policy, top_k=top_k)
            print_json(as_dict(response))
            return response

        response = interruptible(work)
    raise typer.Exit(_exit_code(response))


def _shown(events: Iterator[StreamQueryResponse]) -> QueryResponse:
    """The final one of the events, each of which is shown as it comes."""
    from service.cli.answer_view import AnswerView

    view = AnswerView()
    for event in events:
        view.show(event)
    return view.final


def _exit_code(response: QueryResponse) -> ExitCode:
    match response.WhichOneof("outcome"):
        case "answer":
            return ExitCode.OK
        case "pending_sql":
            return ExitCode.SQL_PENDING
        case _:
            return ExitCode.NO_ANSWER
