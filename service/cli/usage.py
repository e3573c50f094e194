"""`ragsql usage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, Url, as_dict, console, print_json
from service.cli.remote import connected

if TYPE_CHECKING:
    from rich.table import Table

    from ragsql.v1.usage_service_pb2 import GetUsageResponse, UsageTotal


def usage(
    days: Annotated[int, typer.Option(help="So many days, today included, in UTC.", min=1, max=366)] = 30,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show what models were used for and what that cost, by day, kind and model."""
    from ragsql.v1.usage_service_pb2 import GetUsageRequest

    with connected(url, as_json) as client:
        response = client.usage.get_usage(GetUsageRequest(days=days))
    if as_json:
        print_json(as_dict(response))
    elif not response.totals:
        console().print(f"No model was used in the last {days} days.")
    else:
        console().print(_table(response))
        console().print(_summary(response), markup=False)


def _table(response: GetUsageResponse) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("day", "kind", "model"):
        table.add_column(name)
    for name in ("calls", "tokens in", "tokens out", "tokens embedded", "US dollars"):
        table.add_column(name, justify="right")
    for total in response.totals:
        counts = (total.call_count, total.input_tokens, total.output_tokens, total.embedding_tokens)
        table.add_row(total.date, _kind(total), Text(total.model), *(f"{count:,}" for count in counts), _cost(total))
    return table


def _kind(total: UsageTotal) -> str:
    from ragsql.v1.usage_service_pb2 import UsageKind

    return UsageKind.Name(total.kind).removeprefix("USAGE_KIND_").lower()


def _cost(total: UsageTotal) -> str:
    return f"{total.cost_usd:.4f}" if total.priced else "unknown"


def _summary(response: GetUsageResponse) -> str:
    said = f"Together {response.cost_usd:.4f} US dollars by the prices of {response.price_date}"
    if any(not total.priced for total in response.totals):
        said += ", without the models whose price is unknown"
    return f"{said}. Cached answers saved {response.saved_usd:.4f} US dollars."
