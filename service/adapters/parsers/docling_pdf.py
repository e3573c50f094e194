"""PDF with docling's layout and table models: not part of this package, see DOCLING_ARTIFACTS_PATH.

Imported in the parsing process only.
"""

from __future__ import annotations

import importlib.metadata
import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from service.adapters.parsers.completeness import letters
from service.adapters.parsers.docling_blocks import blocks_of
from service.adapters.parsers.ocr import model_files
from service.adapters.parsers.office import stub_speech
from service.domain.documents import Block, BlockKind, ParsedDocument
from service.errors import NotConfigured, UnreadableDocument

if TYPE_CHECKING:
    from docling.document_converter import DocumentConverter
    from docling_core.types.doc.document import DoclingDocument

_PAGES_AT_ONCE = 4
_TOLERANCE = 0.05


@cache
def load(artifacts: str) -> DocumentConverter:
    """The converter with its models. Raises NotConfigured, whatever is missing or damaged."""
    stub_speech()
    try:
        from docling.datamodel.accelerator_options import AcceleratorDevice, AcceleratorOptions
        from docling.datamodel.base_models import InputFormat
        from docling.datamodel.pipeline_options import PdfPipelineOptions, RapidOcrOptions
        from docling.document_converter import DocumentConverter, PdfFormatOption

        files = model_files()
        options = PdfPipelineOptions(
            artifacts_path=artifacts,
            accelerator_options=AcceleratorOptions(num_threads=1, device=AcceleratorDevice.CPU),
            ocr_options=RapidOcrOptions(
                det_model_path=files["Det"], cls_model_path=files["Cls"], rec_model_path=files["Rec"]
            ),
        )
        converter = DocumentConverter(
            allowed_formats=[InputFormat.PDF],
            format_options={InputFormat.PDF: PdfFormatOption(pipeline_options=options)},
        )
        converter.initialize_pipeline(InputFormat.PDF)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise NotConfigured(
            f"docling's models for PDF cannot be loaded from {artifacts} ({type(error).__name__}: {reason}). "
            f"Run `pip install 'ragsql[docling]'` and `docling-tools models download --output-dir {artifacts}`, "
            "or unset USE_DOCKLING, or set RAGSQL_PDF_FALLBACK=true to read PDF with the built-in parser."
        ) from None
    return converter


def parse_pdf_with_docling(
    content: bytes, title: str, artifacts: str, progress: Callable[[int, int], None] | None = None
) -> ParsedDocument:
    """Headings, paragraphs, list items, code and tables with their boxes.

    progress is told the pages read so far and their number in all. Raises NotConfigured, and UnreadableDocument also
    when docling gives less text than the file holds.
    """
    converter = load(artifacts)
    expected, count = _text_layer(content)
    blocks: list[Block] = []
    found = 0
    for document, done in _batches(converter, content, count):
        blocks += blocks_of(document, "")
        found += letters(item.text for item in document.texts)
        found += letters(cell.text for table in document.tables for cell in table.data.table_cells)
        if progress:
            progress(done, count)
    if found < expected * (1 - _TOLERANCE):
        raise UnreadableDocument(
            f"docling read only {found} of the {expected} letters and digits in the PDF, so none of it is kept. "
            "Set RAGSQL_PDF_FALLBACK=true to read such files with the built-in parser."
        )
    headings = [block.text for block in blocks if block.kind is BlockKind.HEADING]
    version = importlib.metadata.version("docling-slim")
    return ParsedDocument(headings[0] if headings else title, tuple(blocks), count, f"docling {version} with layout")


def _text_layer(content: bytes) -> tuple[int, int]:
    """Letters and digits that pdfium finds, and pages."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(content) as document:
            texts = (cast(Any, page.get_textpage()).get_text_bounded() for page in document)
            return letters(texts), len(document)
    except pypdfium2.PdfiumError:
        raise UnreadableDocument(
            "The PDF is damaged, or needs a password. Open it and save it again without one, then upload that."
        ) from None


def _batches(converter: DocumentConverter, content: bytes, count: int) -> Iterator[tuple[DoclingDocument, int]]:
    """A document of a few pages each, and the number of its last page."""
    from docling.datamodel.base_models import ConversionStatus, DocumentStream

    for first in range(1, count + 1, _PAGES_AT_ONCE):
        last = min(count, first + _PAGES_AT_ONCE - 1)
        source = DocumentStream(name="document.pdf", stream=io.BytesIO(content))
        result = converter.convert(source, raises_on_error=False, page_range=(first, last))
        if result.status is not ConversionStatus.SUCCESS:
            raise UnreadableDocument(f"docling could not read the pages {first} to {last} of the PDF.")
        yield result.document, last
