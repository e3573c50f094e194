"""Names of files as people give them."""

from __future__ import annotations

import re

LONGEST_NAME = 255
_SEPARATORS_AND_CONTROLS = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def filename_problem(name: str) -> str | None:
    """Why this cannot be the name of a document, as a sentence, or None."""
    if not 1 <= len(name) <= LONGEST_NAME:
        return f"Must be 1 to {LONGEST_NAME} characters long, not {len(name)}."
    if not name.strip():
        return "Must not be only white space."
    if name in (".", "..") or _SEPARATORS_AND_CONTROLS.search(name):
        return "Must be a base name without path separators or control characters."
    if _DIRECTIONS.search(name):
        return "Must not hold marks that turn the direction of writing: they make a name look like another."
    return None
