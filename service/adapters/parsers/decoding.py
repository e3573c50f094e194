"""Bytes to text, when they are text."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_MOST_CONTROLS = 0.005
_FEWEST_READABLE = 0.9
_SIGNS = frozenset("“”‘’„‚«»–—…•·°§©®™€£¥½¼±×\xa0¿¡")


def decode(content: bytes) -> str | None:
    """The text of content, or None when it is binary.

    Tried in order: the encoding that a byte order mark names, UTF-8, and Windows-1252 where the result reads
    like text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content, encoding)
    text = _strict(content, "utf-8")
    if text is None:
        text = _strict(content, "cp1252")
        if text is None or not _reads_like_text(text):
            return None
    return text if len(_CONTROL.findall(text)) <= max(2, _MOST_CONTROLS * len(text)) else None


def _strict(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _reads_like_text(text: str) -> bool:
    plain = sum(character.isascii() or character.isalpha() or character in _SIGNS for character in text)
    letters = sum(character.isalpha() or character.isspace() for character in text)
    return plain >= _FEWEST_READABLE * len(text) and letters >= len(text) / 2 and not _CONTROL.search(text)
