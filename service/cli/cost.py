"""`ragsql cost`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from service.cli.output import AsJson, ExitCode, complain, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from service.domain.monthly_cost import Bill, Workload

BEFORE_AWS = 26.43
BEFORE_SERVICES = (100.0, 130.0)
"""The estimate that was made before anything was measured, in dollars a month."""
_BAR = 24


def cost(
    requests: Annotated[float, typer.Option(help="Questions a month.", min=0)] = 100_000,
    measured: Annotated[
        Path | None, typer.Option(help="JSON of what a request takes, as `python -m benchmarks workload` writes it.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="A server whose tokens, models and cache rate are taken.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with a chart, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Work out the bill of a month on AWS Lambda, from what one request takes and a dated price table."""
    from service.domain.monthly_cost import monthly_bill

    try:
        work = _workload(requests, {**(_read(measured) if measured else {}), **(_asked(url, as_json) if url else {})})
    except ValueError as error:
        complain(str(error))
        raise typer.Exit(ExitCode.USAGE) from None
    bill = monthly_bill(work)
    if html:
        from service.cli.cost_page import page

        html.write_text(page(work, bill), encoding="utf-8")
    if as_json:
        print_json(as_object(work, bill))
    else:
        console().print(_table(bill))
        console().print(summary(work, bill), markup=False)


def summary(work: Workload, bill: Bill) -> str:
    """What the figures rest on, for people."""
    from service.domain.cloud_prices import CLOUD_PRICES_AS_OF
    from service.domain.monthly_cost import Payee
    from service.domain.prices import PRICES_AS_OF

    low, high = BEFORE_SERVICES
    said = (
        f"{work.requests:,.0f} questions a month, {100 * work.cache_rate:.0f} % of them answered from the cache, "
        f"{work.uploads:,.0f} documents. A question takes {work.question_seconds:.2f} s, {work.cached_seconds:.3f} s "
        f"from the cache, with {work.memory_mb:,} MB.\n"
        f"Prices of {CLOUD_PRICES_AS_OF} (AWS in us-east-1 and services) and {PRICES_AS_OF} (models). Without the free "
        f"tiers of AWS and Upstash: {bill.list_total():,.2f} US dollars.\n"
        f"The estimate before: {BEFORE_AWS:.2f} for AWS and {low:.0f} to {high:.0f} for services. This one: "
        f"{bill.total(Payee.AWS):,.2f} and {bill.total(Payee.SERVICES):,.2f}."
    )
    if bill.unpriced:
        said += f"\nNot counted, since their price is unknown: {', '.join(bill.unpriced)}."
    return said


def as_object(work: Workload, bill: Bill) -> dict[str, Any]:
    """The bill for machines."""
    from service.domain.cloud_prices import CLOUD_PRICES_AS_OF
    from service.domain.monthly_cost import Payee
    from service.domain.prices import PRICES_AS_OF

    return {
        "workload": {**dataclasses.asdict(work), "models": {m: dataclasses.asdict(t) for m, t in work.models.items()}},
        "lines": [dataclasses.asdict(line) for line in bill.lines],
        "totals": {payee.value: bill.total(payee) for payee in Payee} | {"all": bill.total()},
        "listTotals": {payee.value: bill.list_total(payee) for payee in Payee} | {"all": bill.list_total()},
        "before": {"AWS": BEFORE_AWS, "services": BEFORE_SERVICES},
        "unpriced": bill.unpriced,
        "priceDates": {"clouds": str(CLOUD_PRICES_AS_OF), "models": str(PRICES_AS_OF)},
    }


def _table(bill: Bill) -> Table:
    from rich.table import Table

    from service.domain.monthly_cost import Payee

    table = Table()
    for name in ("", "item", "counted"):
        table.add_column(name)
    for name in ("US dollars", "without free tier"):
        table.add_column(name, justify="right")
    table.add_column("")
    most = max(line.usd for line in bill.lines) or 1
    for payee in Payee:
        lines = [line for line in bill.lines if line.payee is payee]
        for line in lines:
            bar = "█" * round(_BAR * line.usd / most)
            table.add_row(payee.value, line.item, line.quantity, f"{line.usd:,.2f}", f"{line.list_usd:,.2f}", bar)
        total, listed = bill.total(payee), bill.list_total(payee)
        table.add_row(
            payee.value, "together", "", f"{total:,.2f}", f"{listed:,.2f}", "", style="bold", end_section=True
        )
    table.add_row("all", "a month", "", f"{bill.total():,.2f}", f"{bill.list_total():,.2f}", "", style="bold")
    return table


def _workload(requests: float, known: dict[str, Any]) -> Workload:
    """Raises ValueError for names and values that a workload does not have."""
    from service.domain.monthly_cost import ModelTokens, Workload

    names = {field.name for field in dataclasses.fields(Workload)} - {"requests"}
    if strangers := sorted(set(known) - names):
        raise ValueError(f"{', '.join(strangers)} is nothing that is measured. There are {', '.join(sorted(names))}.")
    values = dict(known)
    try:
        if "models" in values:
            values["models"] = {str(name): ModelTokens(**tokens) for name, tokens in values["models"].items()}
        return Workload(requests=requests, **values)
    except (TypeError, AttributeError):
        raise ValueError("A measured value is not a number, or models is not {name: {input, output}}.") from None


def _read(file: Path) -> dict[str, Any]:
    """Raises ValueError and OSError."""
    try:
        values: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ValueError(f"{file} is not a JSON object of measured values.")
    return cast(dict[str, Any], values)


def _asked(url: str, as_json: bool) -> dict[str, Any]:
    """What a server knows: its cache rate, and the tokens of a question by its models. Raises ValueError."""
    from ragsql.v1.cache_service_pb2 import CacheKind, GetCacheStatsRequest
    from ragsql.v1.usage_service_pb2 import GetUsageRequest, UsageKind
    from service.cli.remote import connected

    with connected(url, as_json) as client:
        stats = client.caches.get_cache_stats(GetCacheStatsRequest()).caches
        totals = client.usage.get_usage(GetUsageRequest(days=30)).totals
    answers = [each for each in stats if each.kind == CacheKind.CACHE_KIND_ANSWER]
    hits, misses = sum(each.hits for each in answers), sum(each.misses for each in answers)
    if not misses:
        raise ValueError(f"{url} has not answered a question yet. Ask some, or leave out --url.")
    models: dict[str, dict[str, float]] = {}
    for total in totals:
        if total.kind in (UsageKind.USAGE_KIND_QUESTIONS, UsageKind.USAGE_KIND_SQL):
            of = models.setdefault(total.model, {"input": 0.0, "output": 0.0})
            of["input"] += (total.input_tokens + total.embedding_tokens) / misses
            of["output"] += total.output_tokens / misses
    return {"cache_rate": hits / (hits + misses), "models": models}
