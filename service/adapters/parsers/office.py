"""DOCX, HTML and Markdown (and the slides of slides.py) through docling, with whatever docling leaves out put back."""

from __future__ import annotations

import importlib.metadata
import io
import re
import sys
import types
from functools import cache
from typing import TYPE_CHECKING

from service.adapters.parsers import docx_blocks, html_blocks
from service.adapters.parsers.cleaning import clean, one_line
from service.adapters.parsers.completeness import check_whole, letters
from service.adapters.parsers.docling_blocks import blocks_of
from service.adapters.parsers.package import Package
from service.adapters.parsers.raw_text import docx_paragraphs, docx_parts, html_paragraphs, put_back
from service.adapters.parsers.text import parse_text
from service.domain.documents import Block, BlockKind, ParsedDocument
from service.errors import UnreadableDocument

if TYPE_CHECKING:
    from docling.document_converter import DocumentConverter
    from docling_core.types.doc.document import DoclingDocument

_MOST_TAGS = 10_000
_MOST_PARAGRAPHS = 3000
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.M)


@cache
def preload() -> DocumentConverter:
    """The converter. The first call takes seconds, so it is made before the process is copied."""
    stub_speech()
    from docling.datamodel.base_models import InputFormat
    from docling.document_converter import DocumentConverter

    converter = DocumentConverter(allowed_formats=[InputFormat.DOCX, InputFormat.PPTX, InputFormat.HTML])
    converter.initialize_pipeline(InputFormat.DOCX)
    return converter


def warm_up() -> None:
    """Load what is only imported with the first document of a kind."""
    preload()
    parse_markdown("# Title\n\n- item\n\n| a | b |\n|---|---|\n| c | d |\n", "")


def parse_docx(content: bytes, title: str) -> ParsedDocument:
    """Headings, paragraphs, list items and tables, also of text boxes, notes, headers and footers."""
    package = Package(content)
    parts = docx_parts(package)
    paragraphs = docx_paragraphs(parts)
    if len(paragraphs) <= _MOST_PARAGRAPHS:
        return _read(package.without_pictures(), "document.docx", paragraphs, "", title)
    blocks = put_back(paragraphs, docx_blocks.read_blocks(package, parts[0]))
    check_whole(letters(paragraphs), blocks)
    return ParsedDocument(_first_heading(blocks) or title, blocks, 0, docx_blocks.PARSER)


def parse_html(text: str, title: str) -> ParsedDocument:
    """The text that a browser shows, without scripts and styles."""
    text = clean(text)
    paragraphs, named = html_paragraphs(text)
    if text.count("<") <= _MOST_TAGS:
        return _read(text.encode(), "document.html", paragraphs, named, title)
    blocks = html_blocks.read_blocks(text)
    check_whole(letters(paragraphs), blocks)
    return ParsedDocument(_first_heading(blocks) or named or title, blocks, 0, html_blocks.PARSER)


def parse_markdown(text: str, title: str) -> ParsedDocument:
    """GitHub-flavoured Markdown. Front matter becomes paragraphs, its title the document's."""
    import marko

    text = clean(text)
    front = _FRONT_MATTER.match(text)
    named = _FRONT_TITLE.search(front[1]) if front else None
    html = marko.Markdown(extensions=["gfm"]).convert(text[front.end() :] if front else text)
    parsed = parse_html(f"<html><body>{html}</body></html>", named[1] if named else title)
    above = parse_text(front[1], "").blocks if front else ()
    return ParsedDocument(parsed.title, above + parsed.blocks, 0, parsed.parser)


def convert(content: bytes, name: str) -> DoclingDocument:
    """The document that docling makes of a file. The name's suffix is its kind. Raises UnreadableDocument."""
    from docling.datamodel.base_models import ConversionStatus, DocumentStream

    result = preload().convert(DocumentStream(name=name, stream=io.BytesIO(content)), raises_on_error=False)
    if result.status is not ConversionStatus.SUCCESS:
        raise UnreadableDocument("The file is damaged and cannot be read. Open and save it again, then upload that.")
    return result.document


def docling_name() -> str:
    """What a document says it was read by."""
    return f"docling {importlib.metadata.version('docling-slim')}"


def _read(content: bytes, name: str, paragraphs: list[str], title: str, fallback: str) -> ParsedDocument:
    blocks = put_back(paragraphs, blocks_of(convert(content, name), "\n".join(paragraphs)))
    check_whole(letters(paragraphs), blocks)
    return ParsedDocument(_first_heading(blocks) or one_line(title) or fallback, blocks, 0, docling_name())


def _first_heading(blocks: tuple[Block, ...]) -> str:
    """The only heading of the first level, if it is the first of all."""
    headings = [block for block in blocks if block.kind is BlockKind.HEADING]
    first_level = [block for block in headings if block.level == 1]
    return one_line(headings[0].text) if len(first_level) == 1 and headings[0].level == 1 else ""


def stub_speech() -> None:
    """Without torch, docling's speech models are a module that has every name: they are imported but never used."""
    import importlib.util

    def any_name(attribute: str) -> type:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return type(attribute, (), {})

    if importlib.util.find_spec("torch") is None:
        module = types.ModuleType("docling.pipeline.asr_transformers")
        module.__dict__["__getattr__"] = any_name
        sys.modules.setdefault(module.__name__, module)
