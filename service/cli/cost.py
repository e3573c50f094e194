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
CHEAPER = "gpt-4o-mini"
"""Shown beside the model of the workload: RAGSQL_CHAT_MODEL chooses it."""
_BAR = 16


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
        console().print(_table(bill, monthly_bill(work, CHEAPER)))
        console().print(summary(work, bill), markup=False)


def summary(work: Workload, bill: Bill) -> str:
    """What the figures rest on, for people."""
    from service.domain.cloud_prices import CLOUD_PRICES_AS_OF
    from service.domain.monthly_cost import Payee, monthly_bill
    from service.domain.prices import PRICES_AS_OF

    low, high = BEFORE_SERVICES
    cheaper = monthly_bill(work, CHEAPER)
    said = (
        f"{work.requests:,.0f} questions a month, {100 * work.cache_rate:.0f} % of them answered from the cache, "
        f"{work.uploads:,.0f} documents. A question takes {work.question_seconds:.2f} s, {work.cached_seconds:.3f} s "
        f"from the cache, with {work.memory_mb:,} MB.\n"
        f"Prices of {CLOUD_PRICES_AS_OF} (AWS in us-east-1 and services) and {PRICES_AS_OF} (models). Without the free "
        f"tiers of AWS and Upstash: {bill.list_total():,.2f} US dollars.\n"
        f"The estimate before: {BEFORE_AWS:.2f} for AWS and {low:.0f} to {high:.0f} for services. This one: "
        f"{bill.total(Payee.AWS):,.2f} and {bill.total(Payee.SERVICES):,.2f}.\n{_why(work, bill)} With {CHEAPER} "
        f"(RAGSQL_CHAT_MODEL) services come to {cheaper.total(Payee.SERVICES):,.2f}."
    )
    if bill.unpriced:
        said += f"\nNot counted, since their price is unknown: {', '.join(bill.unpriced)}."
    return said


def _why(work: Workload, bill: Bill) -> str:
    """Which part of the services' bill comes from what."""
    from service.domain.monthly_cost import Payee

    written = {model: tokens for model, tokens in work.models.items() if tokens.output}
    chat = sum(line.usd for line in bill.lines if line.item in {f"Questions: {model}" for model in written})
    read, kept, wrote = (
        sum(getattr(tokens, part) for tokens in written.values()) for part in ("input", "cached", "output")
    )
    return (
        f"Of services {chat:,.2f} are what {' and '.join(written) or 'no chat model'} reads and writes: {read:,.0f} "
        f"tokens a question ({kept:,.0f} of them of earlier prompts, which OpenAI reads for less) and {wrote:,.0f}; "
        f"{bill.total(Payee.SERVICES) - chat:,.2f} are the plans of the stores, and embeddings."
    )


def as_object(work: Workload, bill: Bill) -> dict[str, Any]:
    """The bill for machines."""
    from service.domain.cloud_prices import CLOUD_PRICES_AS_OF
    from service.domain.monthly_cost import Payee, monthly_bill
    from service.domain.prices import PRICES_AS_OF

    cheaper = monthly_bill(work, CHEAPER)
    return {
        "workload": {**dataclasses.asdict(work), "models": {m: dataclasses.asdict(t) for m, t in work.models.items()}},
        "lines": [dataclasses.asdict(line) for line in bill.lines],
        "totals": {payee.value: bill.total(payee) for payee in Payee} | {"all": bill.total()},
        "listTotals": {payee.value: bill.list_total(payee) for payee in Payee} | {"all": bill.list_total()},
        "cheaperModel": CHEAPER,
        "cheaperTotals": {payee.value: cheaper.total(payee) for payee in Payee} | {"all": cheaper.total()},
        "before": {"AWS": BEFORE_AWS, "services": BEFORE_SERVICES},
        "unpriced": bill.unpriced,
        "priceDates": {"clouds": str(CLOUD_PRICES_AS_OF), "models": str(PRICES_AS_OF)},
    }


def _table(bill: Bill, cheaper: Bill) -> Table:
    from rich.table import Table

    from service.domain.monthly_cost import Payee

    table = Table()
    for name in ("", "item", "counted"):
        table.add_column(name)
    for name in ("US dollars", f"with {CHEAPER}", "without free tier"):
        table.add_column(name, justify="right")
    table.add_column("")
    most = max(line.usd for line in bill.lines) or 1
    for payee in Payee:
        lines = [pair for pair in zip(bill.lines, cheaper.lines, strict=True) if pair[0].payee is payee]
        for line, other in lines:
            bar = "█" * round(_BAR * line.usd / most)
            table.add_row(payee.value, line.item, line.quantity, *_dollars(line.usd, other.usd, line.list_usd), bar)
        sums = _dollars(bill.total(payee), cheaper.total(payee), bill.list_total(payee))
        table.add_row(payee.value, "together", "", *sums, "", style="bold", end_section=True)
    sums = _dollars(bill.total(), cheaper.total(), bill.list_total())
    table.add_row("all", "a month", "", *sums, "", style="bold")
    return table


def _dollars(*amounts: float) -> list[str]:
    return [f"{amount:,.2f}" for amount in amounts]


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
