"""Whether an answer from documents is right, by its pattern, its cited pages and its quotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragsql.v1.answer_pb2 import Citation
from ragsql.v1.query_service_pb2 import QueryResponse
from service.evaluation.asking import spent
from service.evaluation.grading import patterns_match, stands_in
from service.evaluation.reports import Outcome

CITED = 3
"""So many citations are looked at."""
GRAM = 12
LEAST_OVERLAP = 0.9

Pages = Mapping[int, str]
"""The text of each page of a file by its number; all of it under 0 when the format has no pages."""


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """One question and how its answer did. seconds is the wall time of the whole call.

    paged says whether the file has pages; without them the words of the evidence take the place of a right page.
    first and within say whether the first citation, and one of the first CITED, stands on a right page; widths
    counts the pages of each citation; quoted says of each citation whether its quote stands on its pages. spent are
    the fields of an Outcome that say what it cost.
    """

    id: str
    question: str
    answerable: bool
    paged: bool
    declined: bool
    matches: bool
    first: bool
    within: bool
    widths: tuple[int, ...]
    quoted: tuple[bool, ...]
    seconds: float
    answer: str
    cited: tuple[str, ...]
    expected: str
    cached: bool = False
    spent: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        if not self.answerable:
            return self.declined
        return self.matches and self.first and all(self.quoted)


def grade(item: Mapping[str, Any], response: QueryResponse, seconds: float, texts: Mapping[str, Pages]) -> GradedAnswer:
    """Compare a response with what the item of the set expects. texts holds the pages of each file by its name."""
    citations = list(response.answer.citations) if response.HasField("answer") else []
    on_page = [on_right_page(citation, item) for citation in citations[:CITED]]
    text = response.answer.text
    return GradedAnswer(
        id=item["id"],
        question=item["question"],
        answerable=item["answerable"],
        paged=bool(item["pages"]),
        declined=response.HasField("no_answer"),
        matches=item["answerable"] and bool(text) and patterns_match([item["answer_regex"]], text),
        first=bool(on_page) and on_page[0],
        within=any(on_page),
        widths=tuple(width(citation) for citation in citations),
        quoted=tuple(quote_stands(citation, texts.get(citation.filename, {})) for citation in citations),
        seconds=seconds,
        answer=text or response.no_answer.hint,
        cited=tuple(f"{citation.filename} {citation.first_page}-{citation.last_page}" for citation in citations),
        expected=f"{item.get('answer', '')} on {item['pages']}" if item["answerable"] else "no answer",
        cached=response.cache_hit,
        spent=spent(response.usage),
    )


def outcome(item: GradedAnswer) -> Outcome:
    """The answer as every suite tells it."""
    return Outcome(
        id=item.id,
        question=item.question,
        right=item.right,
        category="answerable" if item.answerable else "unanswerable",
        problem="" if item.right else _reason(item),
        expected=item.expected,
        got=item.answer,
        citations=item.cited,
        seconds=item.seconds,
        cached=item.cached,
        **item.spent,
    )


def on_right_page(citation: Citation, item: Mapping[str, Any]) -> bool:
    """Whether a citation touches a right page of the right file; without pages, whether it quotes the evidence."""
    if citation.filename != item["file"]:
        return False
    if not item["pages"]:
        return bool(item["answerable"]) and stands_in(item["evidence"], citation.quote)
    return any(citation.first_page <= page <= citation.last_page for page in item["pages"])


def width(citation: Citation) -> int:
    """The number of pages a citation spans, 0 in formats without pages."""
    return citation.last_page - citation.first_page + 1 if citation.first_page else 0


def quote_stands(citation: Citation, pages: Pages) -> bool:
    """Whether a quote stands on the pages it names, apart from hyphens, white space and what the margins hold.

    Nine in ten of its runs of 12 letters must be there, so that a mended hyphen does no harm. A quote that goes on
    overleaf may be parted where the page ends, as a running header and a page number stand between.
    """
    texts = [_letters(pages.get(number, "")) for number in range(citation.first_page, citation.last_page + 1)]
    quote = _letters(citation.quote)
    return _stands(quote, "".join(texts)) or any(
        _stands(quote[:end], "".join(texts[:page])) and _stands(quote[end:], "".join(texts[page:]))
        for page in range(1, len(texts))
        for end in range(1, len(quote))
    )


def _stands(quote: str, text: str) -> bool:
    if len(quote) <= GRAM:
        return bool(quote) and quote in text
    grams = [quote[i : i + GRAM] for i in range(len(quote) - GRAM + 1)]
    return sum(gram in text for gram in grams) >= LEAST_OVERLAP * len(grams)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def problems(graded: Sequence[GradedAnswer]) -> str:
    """What is wrong, several lines for each answer that is not right."""
    return "\n".join(
        f"{item.id}: {_reason(item)}\n  question: {item.question}\n  answer: {item.answer[:300]!r}"
        f"\n  cited: {', '.join(item.cited[:CITED]) or 'nothing'}; expected: {item.expected}"
        for item in graded
        if not item.right
    )


def _reason(item: GradedAnswer) -> str:
    if not item.answerable:
        return "answered although the file does not say"
    if item.declined:
        return "declined although the file says"
    wrong = {
        "the text misses the expected pattern": not item.matches,
        "the first citation is on a wrong page": not item.first and item.within,
        f"none of the first {CITED} citations is on a right page": not item.within,
        "a quote does not stand on its pages": not all(item.quoted),
    }
    return "; ".join(what for what, holds in wrong.items() if holds)
