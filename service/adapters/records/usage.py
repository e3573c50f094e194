"""Usage totals as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.questions import Usage
from service.domain.usage import UsageKind, UsageTotal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from service.domain.caller import Caller

_AMOUNTS = ("input_tokens", "output_tokens", "embedding_tokens", "cost_usd")


def add(connection: Connection, caller: Caller, totals: Sequence[UsageTotal]) -> None:
    """Add to what is there, in the order of the key: transactions that add at the same time wait in one line."""
    from sqlalchemy.dialects import postgresql, sqlite

    from service.adapters.records.schema import usage as table

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    for total in sorted(totals, key=lambda total: (total.day, total.kind, total.model)):
        amounts = {"calls": total.calls, **{name: getattr(total.usage, name) for name in _AMOUNTS}}
        statement = dialect.insert(table).values(
            tenant=caller.tenant, day=total.day, kind=total.kind, model=total.model, **amounts
        )
        raised = {name: table.c[name] + statement.excluded[name] for name in amounts}
        connection.execute(statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=raised))


def find(connection: Connection, caller: Caller, first: dt.date, last: dt.date) -> list[UsageTotal]:
    """Those of the days from first to last, newest day first, then by kind and model."""
    from sqlalchemy import select

    from service.adapters.records.schema import usage as table

    query = select(table).where(table.c.tenant == caller.tenant, table.c.day.between(first, last))
    rows = connection.execute(query.order_by(table.c.day.desc(), table.c.kind, table.c.model))
    return [
        UsageTotal(
            row.day,
            UsageKind(row.kind),
            row.model,
            row.calls,
            Usage(**{name: getattr(row, name) for name in _AMOUNTS}, models=(row.model,)),
        )
        for row in rows
    ]
