"""Text as every parser gives it: no control characters, no ligatures, one space between words."""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00ad": "", "\u00a0": " "}
)
_BREAKS = re.compile("\r\n?|[\u0085\u2028\u2029\x0b\x0c]")


def clean(text: str) -> str:
    """The same text with plain line breaks, without control characters and lone surrogates.

    Marks of writing direction stay: they are part of what is quoted.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub("\n", text)
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text)).translate(_LIGATURES)


def one_line(text: str) -> str:
    """Clean text on one line."""
    return " ".join(clean(text).split())


def cell(text: str) -> str:
    """A table cell: one line that does not hold the separator of cells."""
    return one_line(text).replace(" | ", " / ")
