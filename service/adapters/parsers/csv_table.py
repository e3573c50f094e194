"""CSV and TSV to one table."""

from __future__ import annotations

import csv
import io

from service.adapters.parsers.completeness import check_whole, letters
from service.adapters.parsers.tables import table_block
from service.domain.documents import ParsedDocument
from service.errors import UnreadableDocument

PARSER = "ragsql csv 1"
_SAMPLE = 64 * 1024
_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 16 * 1024 * 1024


def parse_csv(text: str, title: str) -> ParsedDocument:
    """Every cell is kept, also those beyond the header. Raises UnreadableDocument when quoting is broken."""
    csv.field_size_limit(_LONGEST_FIELD)
    text = text.removeprefix("\ufeff").replace("\0", "")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False))
    except csv.Error as error:
        raise UnreadableDocument(f"The file is not valid CSV: {error}. Correct it and upload it again.") from None
    block = table_block(rows)
    blocks = (block,) if block else ()
    check_whole(letters([text]), blocks)
    return ParsedDocument(title, blocks, 0, PARSER)


def _delimiter(text: str) -> str:
    lines = text[:_SAMPLE].splitlines()[:20]
    counts = {mark: [line.count(mark) for line in lines] for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: (min(counts[mark], default=0) > 0, sum(counts[mark])))
