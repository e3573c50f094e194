"""The plain text of documents, read without the service's own parsers."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path

import pypdfium2


def plain_text(path: Path) -> str:
    """The text of a .docx, .html, .md or .txt file."""
    if path.suffix == ".docx":
        with zipfile.ZipFile(path) as archive:
            return html.unescape(re.sub(r"<[^>]+>", "", archive.read("word/document.xml").decode()))
    text = path.read_text()
    if path.suffix == ".html":
        return html.unescape(re.sub(r"<[^>]+>", "", text))
    return re.sub(r"\*\*|__|`", "", text)


def pages_of(path: Path) -> dict[int, str]:
    """The text of each page of a PDF by its number, 1-based; of another file all of it under 0."""
    if path.suffix != ".pdf":
        return {0: plain_text(path)}
    document = pypdfium2.PdfDocument(path)
    try:
        return {i + 1: document[i].get_textpage().get_text_range() for i in range(len(document))}
    finally:
        document.close()
