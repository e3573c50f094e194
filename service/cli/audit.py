"""`ragsql audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, Url, as_dict, complain, console, print_json
from service.cli.remote import connected

if TYPE_CHECKING:
    from rich.table import Table

    from ragsql.v1.sql_service_pb2 import AuditEvent
    from ragsql_client import Client

PAGE_SIZE = 250


def audit(
    limit: Annotated[int, typer.Option(help="So many events at most.", min=1)] = 50,
    page_token: Annotated[str, typer.Option(help="Go on where an earlier call ended.", metavar="TOKEN")] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show what became of your SQL statements, newest first: who did what, when, and how many rows it returned."""
    with connected(url, as_json) as client:
        events, token = events_of(client, limit, page_token)
    if as_json:
        print_json({"auditEvents": [as_dict(event) for event in events], "nextPageToken": token})
    elif not events:
        console().print("No SQL was generated yet." if not page_token else "There are no more events.")
    else:
        console().print(_table(events))
        if token:
            complain(f"There are older events: --page-token {token}")


def events_of(client: Client, limit: int, token: str = "") -> tuple[list[AuditEvent], str]:
    """At most limit events, newest first, and the token of those that follow, empty at the end. Raises RagsqlError."""
    from ragsql.v1.sql_service_pb2 import ListAuditEventsRequest

    events: list[AuditEvent] = []
    while len(events) < limit:
        size = min(PAGE_SIZE, limit - len(events))
        page = client.sql.list_audit_events(ListAuditEventsRequest(page_size=size, page_token=token))
        events += page.audit_events
        token = page.next_page_token
        if not token:
            break
    return events, token


def _table(events: list[AuditEvent]) -> Table:
    """One line an event; the text of a statement, or why it failed, is cut where the terminal ends."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("time (UTC)", "who", "what"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("statement", no_wrap=True)
    table.add_column("SQL, or why", no_wrap=True, overflow="ellipsis")
    for event in events:
        ran = _action(event) == "executed"
        table.add_row(
            event.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"),
            Text(event.principal),
            _what(event),
            f"{event.row_count:,}" if ran else "",
            f"{event.duration_seconds:.2f}" if event.duration_seconds else "",
            event.sql_statement.removeprefix("sqlStatements/")[:8],
            Text(event.detail or " ".join(event.sql.split())),
        )
    return table


def _what(event: AuditEvent) -> str:
    """The action, who allowed the run, and whether the rows were read before."""
    from ragsql.v1.sql_service_pb2 import SqlApprover

    said = _action(event)
    if said == "approved":
        said += f" by {SqlApprover.Name(event.approver).removeprefix('SQL_APPROVER_').lower()}"
    return f"{said} from the cache" if event.cache_hit else said


def _action(event: AuditEvent) -> str:
    from ragsql.v1.sql_service_pb2 import AuditAction

    return AuditAction.Name(event.action).removeprefix("AUDIT_ACTION_").lower()
