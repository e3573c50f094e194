"""PowerPoint presentations through docling; what it leaves out is put back slide by slide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from xml.etree import ElementTree

from service.adapters.parsers.completeness import check_whole, letters
from service.adapters.parsers.docling_blocks import blocks_of
from service.adapters.parsers.office import convert, docling_name
from service.adapters.parsers.package import DAMAGED, Package, damaged
from service.adapters.parsers.raw_text import put_back
from service.adapters.parsers.tables import on_page
from service.domain.documents import Block, BlockKind, ParsedDocument

_MAIN = "ppt/presentation.xml"
_SLIDE = "{http://schemas.openxmlformats.org/presentationml/2006/main}sldId"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_SHOWN = ("ppt/notesSlides/", "ppt/charts/", "ppt/diagrams/data")


def parse_pptx(content: bytes, title: str) -> ParsedDocument:
    """Titles as headings, items, tables, then notes and charts; pages are slides. Raises UnreadableDocument."""
    package = Package(content)
    try:
        slides = _slides(package)
        paragraphs = [list(_paragraphs(package, slide)) for slide in slides]
    except DAMAGED:
        raise damaged() from None
    raw = [text for texts in paragraphs for text in texts]
    found: dict[int, list[Block]] = defaultdict(list)
    for block in blocks_of(convert(package.without_pictures(), "document.pptx"), "\n".join(raw)):
        found[block.lines[0].box.page if block.lines else 1].append(block)
    blocks = tuple(
        block for number, texts in enumerate(paragraphs, 1) for block in _whole_slide(number, texts, found[number])
    )
    check_whole(letters(raw), blocks)
    first = next((block.text for block in blocks if block.kind is BlockKind.HEADING), "")
    return ParsedDocument(first or title, blocks, len(slides), docling_name())


def _slides(package: Package) -> list[str]:
    targets = package.related(_MAIN)
    return [targets[item.get(_ID, "")] for item in package.tree(_MAIN).iter(_SLIDE)]


def _whole_slide(number: int, paragraphs: list[str], blocks: list[Block]) -> Iterator[Block]:
    """All blocks of a slide below a heading, so that none stands below that of the slide before."""
    whole = put_back(paragraphs, tuple(blocks))
    if whole and not any(block.kind is BlockKind.HEADING for block in whole):
        whole = (Block(BlockKind.HEADING, f"Slide {number}", 1), *whole)
    yield from (block if block.lines else on_page(block, number) for block in whole)


def _paragraphs(package: Package, slide: str) -> Iterator[str]:
    yield from filter(None, package.texts(slide, f"{_DRAWN}p", f"{_DRAWN}t"))
    for part in package.related(slide).values():
        if part.startswith(_SHOWN):
            yield from filter(None, package.texts(part, f"{_DRAWN}p", f"{_DRAWN}t"))
        if part.startswith("ppt/charts/"):
            yield from map(_series, package.tree(part).iter(f"{_CHART}ser"))


def _series(series: ElementTree.Element) -> str:
    """The name, then labels and values: Sales: East 12, West 7."""
    name, labels, values = (
        [value.text or "" for value in series.iterfind(f"{_CHART}{part}//{_CHART}v")] for part in ("tx", "cat", "val")
    )
    pairs = zip(labels, values, strict=False) if labels else zip(values, strict=False)
    return f"{' '.join(name)}: {', '.join(' '.join(pair) for pair in pairs)}"
