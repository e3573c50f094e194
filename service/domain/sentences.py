"""Where sentences begin and end, by rules alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.domain.documents import Span

_NEVER_LAST = frozenset(
    "mr mrs ms dr prof sr jr st mt vs cf eg ie e.g i.e viz fig figs eq eqs sec ch vol nos pp approx dept rev hon capt "
    "lt col sgt gov sen rep ref refs eds app tel ext bzw ca z.b d.h".split()
)
_BEFORE_NUMBERS = frozenset("no p art jan feb mar apr jun jul aug sep sept oct nov dec".split())
_STOP = re.compile(r"(?<=\S)(?P<mark>[.!?…]+)(?P<close>[\"'”’»)\]]*)(?=\s)|[。！？｡]+[」』”’）]*|\n+")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘«]{1,24}\Z")
_ENUMERATOR = re.compile(r"(?:\d{1,3}|[a-zA-Z]|[ivxlcIVXLC]{1,5})(?:\.\d+)*\Z")


def sentences(text: str) -> list[Span]:
    """The sentences of a paragraph, in order and without the white space around them.

    Together they hold every character of text that is not white space. A line break always ends a sentence.
    """
    spans: list[Span] = []
    start = 0
    for end in _boundaries(text):
        _append(spans, text, start, end)
        start = end
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    """Add what is there, to the sentence before it when it is no more than signs."""
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return
    begin = start + len(piece) - len(piece.lstrip())
    if spans and not any(map(str.isalnum, stripped)):
        begin = spans.pop().start
    spans.append(Span(begin, start + len(piece.rstrip())))


def _boundaries(text: str) -> Iterator[int]:
    start = 0
    for stop in _STOP.finditer(text):
        if stop["mark"] is None or _ends_sentence(text, start, stop):
            yield stop.end()
            start = stop.end()


def _ends_sentence(text: str, start: int, stop: re.Match[str]) -> bool:
    following = text[stop.end() : stop.end() + 8].lstrip()
    if not following or following[0].islower():
        return not following
    if stop["mark"] != "." or stop["close"]:
        return True
    found = _WORD_BEFORE.search(text, max(start, stop.start() - 24), stop.start())
    word = found[0] if found else ""
    if found and not text[start : found.start()].strip() and _ENUMERATOR.match(word):
        return False
    return not _is_abbreviation(word, following)


def _is_abbreviation(word: str, following: str) -> bool:
    lowered = word.lower()
    initial = len(word) == 1 and word.isupper()
    return initial or lowered in _NEVER_LAST or (lowered in _BEFORE_NUMBERS and following[0].isdigit())
