"""Text to the terms that lexical search indexes, the same way for passages and for questions."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
"""Stored with an index: another version of these rules would not find what this one wrote."""

_ACCENTS = re.compile("[\u0300-\u036f]+")
_MAX_TERM = 64
_STEMMING = threading.Lock()  # a stemmer works in its own fields


def terms(text: str) -> list[str]:
    """The stemmed, accent-free, case-folded words of text in order, repeats kept.

    Scripts written without spaces become pairs of neighbouring characters. A term has only letters, digits and
    the marks of its script, so that it cannot mean anything to a query language.
    """
    folded = text.casefold()
    if not folded.isascii():
        import unicodedata

        folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
        folded = unicodedata.normalize("NFC", folded)
    return [term for word in _words().findall(folded) for term in _split(word)]


def _split(word: str) -> Iterator[str]:
    if word.isascii():
        yield _stem(word[:_MAX_TERM])
        return
    end = 0
    for run in _unspaced().finditer(word):
        if run.start() > end:
            yield _stem(word[end : run.start()][:_MAX_TERM])
        end = run.end()
        characters = run.group()
        if len(characters) == 1:
            yield characters
        yield from (characters[i : i + 2] for i in range(len(characters) - 1))
    if end < len(word):
        yield _stem(word[end:][:_MAX_TERM])


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    r"""Runs of letters, digits and combining marks: \w alone would cut Indic words at every vowel sign."""
    import unicodedata

    marks = "".join(c for c in map(chr, range(0x370, 0x10000)) if unicodedata.category(c) in ("Mn", "Mc"))
    return re.compile(rf"(?:[^\W_]|[{marks}])+")


@lru_cache(maxsize=1)
def _unspaced() -> re.Pattern[str]:
    """Runs of scripts that are written without spaces."""
    return re.compile(
        "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
    )


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802


@lru_cache(maxsize=1)
def _stemmer() -> _Stemmer:
    from snowballstemmer.english_stemmer import EnglishStemmer

    return cast("_Stemmer", EnglishStemmer())


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    with _STEMMING:
        return _stemmer().stemWord(word)
