"""Documents, what a parser finds in them, and the chunks that are searched."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain.questions import Usage


class DocumentState(StrEnum):
    """Where a document is in its life."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"


UNFINISHED = (DocumentState.PENDING, DocumentState.PROCESSING)
"""States in which somebody works on a document, or is going to."""


class IngestPhase(StrEnum):
    """What is being done with a document that is PROCESSING, in order."""

    PARSING = "PARSING"
    EMBEDDING = "EMBEDDING"
    INDEXING = "INDEXING"


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How many pages or chunks of how many are done. total is 0 while it is not known."""

    phase: IngestPhase
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """An uploaded file. Searchable once its state is ACTIVE. progress is shown while PROCESSING.

    failure_reason is a sentence, error_reason the ErrorReason of the contract without its prefix; both are empty unless
    FAILED, or PENDING until retry_time after so many attempts. delete_time is when its deletion began. usage is what
    embedding it cost, None where an older version did not keep it.
    """

    id: str
    filename: str
    media_type: str
    size_bytes: int
    sha256: str
    state: DocumentState
    create_time: dt.datetime
    update_time: dt.datetime
    page_count: int = 0
    chunk_count: int = 0
    failure_reason: str = ""
    parser: str = ""
    error_reason: str = ""
    progress: IngestProgress | None = None
    attempts: int = 0
    retry_time: dt.datetime | None = None
    delete_time: dt.datetime | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was announced. Its bytes go to the blob files/{id}. document_id is empty until it is ingested."""

    id: str
    filename: str
    size_bytes: int
    sha256: str
    create_time: dt.datetime
    expire_time: dt.datetime
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class PageBox:
    """A rectangle on a 1-based page, as fractions of its width and height from the top left corner, to 4 places."""

    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range [start, end) of Unicode code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextLine:
    """A stretch of a text that stands in one place of a page: a line, a table row, an item of a slide."""

    span: Span
    box: PageBox


class BlockKind(StrEnum):
    """What a block is."""

    HEADING = "HEADING"
    TEXT = "TEXT"
    LIST_ITEM = "LIST_ITEM"
    TABLE = "TABLE"
    CODE = "CODE"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a parsed document, in reading order.

    text is never empty. level is 1 to 6 for a heading, else 0. lines are its lines in order, apart, with spans in
    text; none when the format has no layout.
    rows holds the cells of a TABLE, header first; its text is then the rows joined by newlines, cells by " | ".
    """

    kind: BlockKind
    text: str
    level: int = 0
    lines: tuple[TextLine, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser found. page_count is 0 when the format has no pages. parser says what read it."""

    title: str
    blocks: tuple[Block, ...]
    page_count: int
    parser: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one document that is embedded and searched as one.

    text is what is shown and quoted: exactly document_text[span.start:span.end], except that a chunk that
    continues a table begins with that table's header row.
    headings are the titles above it, outermost first (the document's title included).
    units are the spans inside text (sentences, list items, table rows) that an answer may quote.
    lines are those of its blocks, with spans in text; a copied header row has none.
    """

    ordinal: int
    text: str
    span: Span
    headings: tuple[str, ...] = ()
    lines: tuple[TextLine, ...] = ()
    units: tuple[Span, ...] = ()

    def place(self, span: Span) -> Span:
        """Where a span of text stands in the document's text."""
        # A chunk that continues a table starts with a copied header, so only distances from its end are true.
        shift = self.span.end - len(self.text)
        return Span(span.start + shift, span.end + shift)

    @property
    def first_page(self) -> int:
        """From 1; 0 when the format has no layout."""
        return min((line.box.page for line in self.lines), default=0)

    @property
    def last_page(self) -> int:
        """From 1; 0 when the format has no layout."""
        return max((line.box.page for line in self.lines), default=0)

    def boxes_of(self, span: Span) -> tuple[PageBox, ...]:
        """One box a page, in order of pages, around the lines that a span of text touches."""
        pages: dict[int, PageBox] = {}
        for line in self.lines:
            if line.span.start < span.end and span.start < line.span.end:
                seen = pages.get(line.box.page)
                pages[line.box.page] = _around(seen, line.box) if seen else line.box
        return tuple(pages[page] for page in sorted(pages))


def _around(one: PageBox, other: PageBox) -> PageBox:
    return PageBox(
        one.page,
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was retrieved. score is comparable inside one search only, higher is better."""

    document_id: str
    filename: str
    chunk: Chunk
    score: float
    dense_score: float = 0.0
    lexical_score: float = 0.0
