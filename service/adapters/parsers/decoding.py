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
_HIGH_LETTER = re.compile(r"[^\W\d_\x00-\x7f]")
_LETTER_IN_WORD = re.compile(r"(?<=[a-zA-Z])[^\W\d_\x00-\x7f]|[^\W\d_\x00-\x7f](?=[a-zA-Z])")
_MOST_CONTROLS = 0.005
_MOST_REPLACED = 0.1
_FEWEST_READABLE = 0.9
_FEWEST_ZEROS = 0.35
_SIGNS = frozenset("“”‘’„‚«»–—…•·°§©®™€£¥½¼±×\xa0¿¡")
_REPLACEMENT = "\ufffd"


def decode(content: bytes) -> str | None:
    """The text of content, or None when it is binary.

    Tried in order: the encoding that a byte order mark names, UTF-16 without a mark, UTF-8, and Windows-1252 where the
    result reads like text. What is damaged becomes U+FFFD.
    """
    encoding = _marked(content) or _unmarked_utf16(content)
    text = content.decode(encoding, "replace") if encoding else _decode_unmarked(content)
    if len(_CONTROL.findall(text)) > max(2, _MOST_CONTROLS * len(text)):
        return None
    return text if text.count(_REPLACEMENT) <= max(2, _MOST_REPLACED * len(text)) else None


def _marked(content: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)


def _unmarked_utf16(content: bytes) -> str | None:
    """Text in a Latin alphabet has a zero in nearly every other byte."""
    sample = content[:4096]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = sample[offset::2].count(0)
        if zeros > 2 * _FEWEST_ZEROS * len(sample[offset::2]) and not sample[1 - offset :: 2].count(0):
            return encoding
    return None


def _decode_unmarked(content: bytes) -> str:
    text = content.decode(errors="replace")
    damaged = text.count(_REPLACEMENT)
    if not damaged or len(_HIGH_LETTER.findall(text)) >= damaged:
        return text
    windows = content.decode("cp1252", "replace")
    return windows if _reads_like_text(windows) else text


def _reads_like_text(text: str) -> bool:
    plain = sum(character.isascii() or character.isalpha() or character in _SIGNS for character in text)
    letters = sum(character.isalpha() or character.isspace() for character in text)
    in_words = 2 * len(_LETTER_IN_WORD.findall(text)) >= len(_HIGH_LETTER.findall(text))
    return (
        in_words
        and plain >= _FEWEST_READABLE * len(text)
        and letters >= len(text) / 2
        and _REPLACEMENT not in text
        and not _CONTROL.search(text)
    )
