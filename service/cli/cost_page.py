"""The bill of a month as one page of HTML that needs nothing else."""

from __future__ import annotations

from html import escape

from service.cli.cost import BEFORE_AWS, BEFORE_SERVICES, CHEAPER, summary
from service.domain.monthly_cost import Bill, Payee, Workload, monthly_bill
from service.evaluation.charts import amount_bars
from service.evaluation.page import STYLE


def page(work: Workload, bill: Bill) -> str:
    """The whole page."""
    title = f"A month of {work.requests:,.0f} questions"
    said = "".join(f'<p class="soft">{escape(line)}</p>' for line in summary(work, bill).splitlines())
    tiles = "".join(
        f'<div class="tile"><b>{usd}</b>{name}</div>'
        for usd, name in (
            (f"{bill.total():,.2f}", "US dollars a month"),
            (f"{bill.total(Payee.AWS):,.2f}", "of them for AWS"),
            (f"{bill.total(Payee.SERVICES):,.2f}", "of them for services"),
            (f"{bill.list_total():,.2f}", "without free tiers"),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE.read_text()}</style></head><body><h1>{title}</h1>"
        f'<div class="tiles">{tiles}</div>{said}<div class="cards">{_lines(bill)}{_beside(work, bill)}</div>'
        f"{_table(bill)}"
        "</body></html>\n"
    )


def _lines(bill: Bill) -> str:
    rows = [(line.item, line.usd, f"{line.usd:,.2f}") for line in sorted(bill.lines, key=lambda line: -line.usd)]
    return f'<div class="card"><h3>What it goes to</h3>{amount_bars(rows, "US dollars a month by item")}</div>'


def _beside(work: Workload, bill: Bill) -> str:
    low, high = BEFORE_SERVICES
    aws, services = bill.total(Payee.AWS), bill.total(Payee.SERVICES)
    cheaper = monthly_bill(work, CHEAPER).total(Payee.SERVICES)
    rows = [
        ("AWS, worked out", aws, f"{aws:,.2f}"),
        ("AWS, estimated before", BEFORE_AWS, f"{BEFORE_AWS:,.2f}"),
        ("services, worked out", services, f"{services:,.2f}"),
        (f"services, with {CHEAPER}", cheaper, f"{cheaper:,.2f}"),
        ("services, estimated before", (low + high) / 2, f"{low:,.0f} to {high:,.0f}"),
    ]
    chart = amount_bars(rows, "US dollars a month beside the estimate before")
    return f'<div class="card"><h3>Beside the estimate before</h3>{chart}</div>'


def _table(bill: Bill) -> str:
    rows = "".join(
        f"<tr><td>{line.payee.value}</td><td>{escape(line.item)}</td><td>{escape(line.quantity)}</td>"
        f'<td class="n">{line.usd:,.2f}</td><td class="n">{line.list_usd:,.2f}</td></tr>'
        for line in bill.lines
    )
    heads = '<th></th><th>item</th><th>counted</th><th class="n">US dollars</th><th class="n">without free tier</th>'
    return f'<h2>The bill</h2><div class="card scroll"><table><tr>{heads}</tr>{rows}</table></div>'
