"""Small sets of documents and questions of our own, made in the formats that the questions name."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docx import Document
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

SETS = Path(__file__).parent / "data"
HELD_OUT = ("handbook", "household", "reports")
TUNED_ON = ("laboratory",)
PAGE_BREAK = "==="
Block = tuple[int, str | list[list[str]]]
"""The level of a heading, 0 for a paragraph, with its text; or 0 and the rows of a table."""


@contextmanager
def written(name: str) -> Generator[Path]:
    """A folder with the documents of a set and its qa.jsonl, gone afterwards."""
    source = SETS / name
    with tempfile.TemporaryDirectory(prefix=f"ragsql-{name}-") as temporary:
        folder = Path(temporary)
        shutil.copy(source / "qa.jsonl", folder)
        items = [json.loads(line) for line in (source / "qa.jsonl").read_text().splitlines()]
        for file in {item["file"] for item in items}:
            made, text = folder / file, source / f"{Path(file).stem}.md"
            if made.suffix == ".pdf":
                _write_pdf(text, made)
            elif made.suffix == ".docx":
                _write_docx(text, made)
            else:
                shutil.copy(source / file, made)
        yield folder


def _write_pdf(source: Path, target: Path) -> None:
    styles = getSampleStyleSheet()
    grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
    story: list[Any] = []
    for page in source.read_text().split(f"\n{PAGE_BREAK}\n"):
        story += [PageBreak()] if story else []
        for level, content in _blocks(page):
            style = styles[f"Heading{level}"] if level else styles["BodyText"]
            story.append(Paragraph(content, style) if isinstance(content, str) else Table(content, style=grid))
            story.append(Spacer(1, 6))
    SimpleDocTemplate(str(target), pagesize=A4, invariant=1).build(story)


def _write_docx(source: Path, target: Path) -> None:
    document: Any = Document()
    for level, content in _blocks(source.read_text()):
        if not isinstance(content, str):
            table = document.add_table(len(content), len(content[0]))
            for cells, row in zip(content, table.rows, strict=True):
                for text, cell in zip(cells, row.cells, strict=True):
                    cell.text = text
        elif level:
            document.add_heading(content, level)
        else:
            document.add_paragraph(content)
    document.save(str(target))


def _blocks(text: str) -> Iterator[Block]:
    for block in filter(None, (block.strip() for block in text.split("\n\n"))):
        if block.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            yield 0, [rows[0], *rows[2:]]
        else:
            title = block.lstrip("#")
            yield len(block) - len(title), title.strip()
