"""A list of nothing but keys says nothing to a reader: the first text of the same rows is shown beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.adapters.sqlgen.sources import sources
from service.domain.sql import Schema

if TYPE_CHECKING:
    from sqlglot import exp

_TEXT = re.compile(r"char|text|string", re.I)


def name_keys(tree: exp.Select, schema: Schema) -> bool:
    """Add a text column where the primary key of a table is all that is listed."""
    from sqlglot import exp

    shown = tree.selects[0].unalias() if len(tree.selects) == 1 else None
    if not isinstance(shown, exp.Column) or tree.args.get("group") or tree.args.get("distinct"):
        return False
    read = sources(tree)
    name = read.get(shown.table.lower(), "") if shown.table else next(iter(read.values()), "") if len(read) == 1 else ""
    table = next((table for table in schema.tables if table.name.lower() == name), None)
    if table is None or [key.lower() for key in table.primary_key] != [shown.name.lower()]:
        return False
    text = next((c.name for c in table.columns if _TEXT.search(c.type) and c.name.lower() != shown.name.lower()), "")
    if text:
        tree.append("expressions", exp.column(text, table=shown.table or None))
    return bool(text)
