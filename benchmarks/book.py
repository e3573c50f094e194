"""A PDF of running text under headings, of any length, without a download: Python's language reference."""

from __future__ import annotations

import io
import itertools
import re
from pydoc_data.topics import topics  # pyright: ignore[reportMissingTypeStubs,reportUnknownVariableType]
from typing import Any
from xml.sax.saxutils import escape

CHARACTERS_A_PAGE = 3_800


def book(pages: int, first_topic: int = 0) -> bytes:
    """A PDF of about so many pages, the same in every run; some four chunks a page."""
    texts: dict[str, str] = topics  # pyright: ignore[reportUnknownVariableType]
    names = sorted(texts)[first_topic:] + sorted(texts)[:first_topic]
    sections: list[tuple[str, str]] = []
    missing = pages * CHARACTERS_A_PAGE
    for name in itertools.cycle(names):
        sections.append((name, texts[name]))
        missing -= len(texts[name])
        if missing <= 0:
            break
    return _typeset(sections)


def _typeset(sections: list[tuple[str, str]]) -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    styles: Any = getSampleStyleSheet()
    flow: list[Any] = []
    for title, text in sections:
        flow.append(Paragraph(escape(title), styles["Heading1"]))
        paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
        flow += [Paragraph(escape(paragraph), styles["BodyText"]) for paragraph in paragraphs if paragraph]
    buffer = io.BytesIO()
    template: Any = SimpleDocTemplate(buffer, pagesize=A4)
    template.build(flow)
    return buffer.getvalue()
