"""An answer in the terminal, as its events arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragsql.v1.answer_pb2 import Answer, Citation, Routing, SqlResult
    from ragsql.v1.query_service_pb2 import QueryResponse, StreamQueryResponse
    from ragsql.v1.sql_statement_pb2 import SqlStatement

QUOTE_LENGTH = 300


class AnswerView:
    """Shows each event of StreamQuery. final is set once the last one was shown."""

    final: QueryResponse

    def __init__(self) -> None:
        self._out = console()
        self._streamed = False
        self._places: set[str] = set()

    def show(self, event: StreamQueryResponse) -> None:
        """Print what a person wants to see of an event, at once."""
        match event.WhichOneof("event"):
            case "routing":
                self._routing(event.routing)
            case "citation":
                self._found(event.citation)
            case "sql_statement":
                self._sql(event.sql_statement)
            case "sql_result":
                self._table(event.sql_result)
            case "text_delta":
                self._streamed = True
                self._out.print(event.text_delta, end="", markup=False)
            case "final":
                self._final(event.final)
            case _:
                """An event of a newer server."""

    def _routing(self, routing: Routing) -> None:
        from ragsql.v1.answer_pb2 import Route

        route = Route.Name(routing.route).removeprefix("ROUTE_").lower()
        self._out.print(f"{route} ({routing.confidence:.0%}): {routing.reason}", style="dim", markup=False)

    def _found(self, citation: Citation) -> None:
        """Where a passage stands. It is quoted with the answer, when it is known what it supports."""
        place = _place(citation)
        if place not in self._places:
            self._places.add(place)
            self._out.print(f"found {place}", style="dim", markup=False)

    def _sql(self, statement: SqlStatement) -> None:
        self._out.print(statement.sql, style="cyan", markup=False, highlight=False, soft_wrap=True)

    def _table(self, result: SqlResult) -> None:
        from service.cli.table_view import show_table

        show_table(result.table)
        if result.cache_hit:
            read = result.execute_time.ToDatetime()
            self._out.print(f"Read at {read:%Y-%m-%d %H:%M:%S} UTC (from the cache)", style="dim")

    def _final(self, response: QueryResponse) -> None:
        self.final = response
        match response.WhichOneof("outcome"):
            case "answer":
                self._answer(response.answer)
            case "pending_sql":
                self._pending(response)
            case _:
                self._end_of_text()
                self._out.print(f"No answer. {response.no_answer.hint}", style="yellow", markup=False)
        if response.cache_hit:
            self._out.print("(from the cache)", style="dim")

    def _answer(self, answer: Answer) -> None:
        if not self._streamed:
            self._out.print(answer.text, markup=False)
        self._end_of_text()
        for number, citation in enumerate(answer.citations, start=1):
            self._citation(number, citation)

    def _pending(self, response: QueryResponse) -> None:
        if response.pending_sql.HasField("answer_so_far"):
            self._answer(response.pending_sql.answer_so_far)
        self._end_of_text()
        name = response.pending_sql.sql_statement.name
        self._out.print(f"The statement above waits for approval: {name}", style="yellow", markup=False)

    def _citation(self, number: int, citation: Citation) -> None:
        self._out.print(f"[{number}] {_place(citation)}", style="bold", markup=False)
        quote = " ".join(citation.quote.split())
        shown = quote if len(quote) <= QUOTE_LENGTH else f"{quote[:QUOTE_LENGTH]}…"
        self._out.print(f"    “{shown}”", style="dim", markup=False)

    def _end_of_text(self) -> None:
        if self._streamed:
            self._out.print()
            self._streamed = False


def _place(citation: Citation) -> str:
    return " › ".join((citation.filename, *_pages(citation), *citation.headings))


def _pages(citation: Citation) -> Sequence[str]:
    if not citation.first_page:
        return ()
    if citation.last_page <= citation.first_page:
        return (f"page {citation.first_page}",)
    return (f"pages {citation.first_page}-{citation.last_page}",)
