"""What was extracted against a second count of the text that the file holds."""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.documents import Block
from service.errors import UnreadableDocument


def letters(texts: Iterable[str]) -> int:
    """Letters and digits: what no cleaning, joining and spacing changes."""
    return sum(sum(map(str.isalnum, text)) for text in texts)


def check_whole(expected: int, blocks: Iterable[Block], *, tolerance: float = 0.0) -> None:
    """Raises UnreadableDocument when the blocks hold less than expected letters, less a share of tolerance."""
    found = letters(block.text for block in blocks)
    if found < expected * (1 - tolerance):
        raise UnreadableDocument(
            f"Only {found} of the {expected} letters and digits in the file could be read, so none of it is kept. "
            "Save it in another format, PDF for example, and upload that."
        )
