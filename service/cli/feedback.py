"""`ragsql feedback`: list, promote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, Url, as_dict, console, print_json
from service.cli.remote import connected, every_page

if TYPE_CHECKING:
    from ragsql.v1.feedback_service_pb2 import Feedback

PAGE_SIZE = 250

app = typer.Typer(help="Review feedback, and make examples of corrected SQL.", no_args_is_help=True)


@app.command("list")
def list_feedback(
    everything: Annotated[bool, typer.Option("--all", help="Also what has no corrected SQL or is promoted.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the corrected SQL that waits for review, newest first."""
    from ragsql.v1.feedback_service_pb2 import ListFeedbackRequest

    request = ListFeedbackRequest(page_size=PAGE_SIZE, waiting_only=not everything)
    with connected(url, as_json) as client:
        found = [item for page in every_page(client.feedback.list_feedback, request) for item in page.feedback]
    if as_json:
        print_json([as_dict(item) for item in found])
    elif not found:
        console().print("No feedback waits for review.", markup=False)
    for item in () if as_json else found:
        _show(item)


@app.command()
def promote(
    feedback: Annotated[str, typer.Argument(metavar="NAME", help="As `ragsql feedback list` shows it.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Teach the corrected SQL as an example. It is checked against the database and never run."""
    from ragsql.v1.feedback_service_pb2 import PromoteFeedbackRequest

    with connected(url, as_json) as client:
        done = client.feedback.promote_feedback(PromoteFeedbackRequest(name=feedback)).feedback
    if as_json:
        print_json(as_dict(done))
    else:
        console().print(f"It is an example now: {done.promotion.knowledge_item}", markup=False)


def _show(item: Feedback) -> None:
    from ragsql.v1.feedback_service_pb2 import Rating

    out = console()
    rating = Rating.Name(item.rating).removeprefix("RATING_").lower()
    promoted = f", promoted by {item.promotion.principal}" if item.HasField("promotion") else ""
    out.print(item.name, style="bold", markup=False)
    out.print(f"  {rating}, by {item.principal}{promoted}: {item.question}", markup=False)
    if item.comment:
        out.print(f"  “{item.comment}”", style="dim", markup=False)
    if item.corrected_sql:
        out.print(f"  {item.corrected_sql}", style="cyan", markup=False)
