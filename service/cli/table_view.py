"""Typed tables as a person, a spreadsheet or a script reads them."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

from service.cli.output import console

if TYPE_CHECKING:
    from ragsql.v1.table_pb2 import Table, Value


def show_table(table: Table) -> None:
    """Rows for a person, and whether there are more."""
    from rich.markup import escape
    from rich.table import Table as Shown
    from rich.text import Text

    shown = Shown(*(escape(column.name) for column in table.columns))
    for row in table.rows:
        shown.add_row(*(Text(cell_text(value)) for value in row.values))
    console().print(shown)
    if table.truncated:
        console().print("There are more rows than are shown.", style="dim")


def print_csv(table: Table) -> None:
    """A header and rows as RFC 4180 has them. NULL is an empty field."""
    writer = csv.writer(sys.stdout)
    writer.writerow(column.name for column in table.columns)
    for row in table.rows:
        writer.writerow(cell_text(value) if value.WhichOneof("kind") else "" for value in row.values)


def cell_text(value: Value) -> str:
    """One value."""
    match value.WhichOneof("kind"):
        case None:
            return "NULL"
        case "timestamp_value":
            return value.timestamp_value.ToDatetime().isoformat(sep=" ")
        case "bytes_value":
            return value.bytes_value.hex()
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "double_value":
            return f"{value.double_value:.10g}"
        case kind:
            return str(getattr(value, kind))
