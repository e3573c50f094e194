"""The plain text of the sample documents, read without the service's own parsers."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path


def plain_text(path: Path) -> str:
    """The text of a .docx, .html, .md or .txt file."""
    if path.suffix == ".docx":
        with zipfile.ZipFile(path) as archive:
            return html.unescape(re.sub(r"<[^>]+>", "", archive.read("word/document.xml").decode()))
    text = path.read_text()
    if path.suffix == ".html":
        return html.unescape(re.sub(r"<[^>]+>", "", text))
    return re.sub(r"\*\*|__|`", "", text)
