"""TAT-QA (Zhu et al., 2021) as sources: the table of a report in SQLite, its paragraphs in a document."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from evals.routing_sources import Asked, sources
from service.app import Assembly
from service.domain.questions import Route

ROUTES = {"table": Route.SQL, "text": Route.DOCUMENTS, "table-text": Route.HYBRID}
NAME = "tatqa"
ASKED, SEED = 36, 1
LONGEST_NAME = 60
_NUMBER = re.compile(r"[-(]?[\d.]+\)?")
_YEAR = re.compile(r"(?:19|20)\d\d")


def reports(folder: Path) -> list[dict[str, Any]]:
    """All reports in an order that is the same each time: the first ASKED are for scores alone."""
    found: list[dict[str, Any]] = json.loads((folder / "tatqa_dataset_dev.json").read_text())
    return random.Random(SEED).sample(found, len(found))


def asked(report: dict[str, Any]) -> list[Asked]:
    """The questions of a report with what their answers come from."""
    return [Asked(NAME, item["question"], ROUTES[item["answer_from"]]) for item in report["questions"]]


@asynccontextmanager
async def report_sources(report: dict[str, Any]) -> AsyncGenerator[Assembly]:
    """The report alone."""
    paragraphs = sorted(report["paragraphs"], key=lambda paragraph: paragraph["order"])
    text = "\n\n".join(paragraph["text"] for paragraph in paragraphs)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "report.sqlite"
        _store(path, [[" ".join(cell.split()) for cell in row] for row in report["table"]["table"]])
        async with sources([("report.md", text.encode())], f"sqlite:///{path}") as assembly:
            yield assembly


def _store(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """The rows from the first with a label and a number on; what stands above them names the columns."""
    body = next((i for i, row in enumerate(rows) if row[0] and any(_is_figure(cell) for cell in row[1:])), 1)
    width = max(len(row) for row in rows)
    columns = _names(rows[:body], width)
    declared = ", ".join(f'"{name}" {"NUMERIC" if i else "TEXT"}' for i, name in enumerate(columns))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE report_table ({declared})")
        for row in rows[body:]:
            cells = [*row, *[""] * (width - len(row))]
            values = [cells[0], *(_value(cell) for cell in cells[1:])]
            connection.execute(f"INSERT INTO report_table VALUES ({', '.join('?' * width)})", values)


def _names(header: Sequence[Sequence[str]], width: int) -> list[str]:
    names: list[str] = []
    for column in range(width):
        parts = dict.fromkeys(row[column] for row in header if column < len(row) and row[column])
        name = " ".join(parts)[:LONGEST_NAME].replace('"', "") or ("item" if column == 0 else f"column {column}")
        while name.lower() in (other.lower() for other in names):
            name += f" {column}"
        names.append(name)
    return names


def _plain(cell: str) -> str:
    return re.sub(r"[$€£,%\s]", "", cell)


def _is_figure(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(_plain(cell))) and not _YEAR.fullmatch(cell)


def _value(cell: str) -> str | float | None:
    plain = _plain(cell)
    try:
        number = float(plain.strip("()-"))
    except ValueError:
        return cell or None
    return -number if plain.startswith(("(", "-")) else number
