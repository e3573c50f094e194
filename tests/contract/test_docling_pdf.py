"""docling's layout models cannot be had in tests: its converter is replaced, everything around it is real."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service import backends, settings
from service.adapters.parsers import docling_pdf
from service.adapters.parsers.dispatch import parse_document
from service.adapters.parsers.office import stub_speech
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import BlockKind, PageBox
from service.errors import NotConfigured, SettingsError, UnreadableDocument
from tests.documents.files import simple_pdf

pytestmark = pytest.mark.anyio
PDF = "application/pdf"
PAGES = [[(f"Chapter {number}", 20), (f"Words on page {number}.", 10)] for number in range(1, 7)]
FILE = simple_pdf(*PAGES)


class FakeConverter:
    """Gives what docling would: a heading and a paragraph a page, or headings alone when it drops text."""

    drops_text = False
    ranges: list[tuple[int, int]]

    def __init__(self, **options: Any) -> None:
        (pdf,) = options["format_options"].values()
        FakeConverter.ranges = []
        self.artifacts = pdf.pipeline_options.artifacts_path

    def initialize_pipeline(self, kind: str) -> None:
        if not (Path(self.artifacts) / "layout").is_dir():
            raise FileNotFoundError(f"{self.artifacts}/layout")

    def convert(self, source: Any, *, raises_on_error: bool, page_range: tuple[int, int]) -> Any:
        from docling.datamodel.base_models import ConversionStatus
        from docling_core.types.doc.base import BoundingBox, CoordOrigin, Size
        from docling_core.types.doc.common.reference import ProvenanceItem
        from docling_core.types.doc.document import DoclingDocument
        from docling_core.types.doc.labels import DocItemLabel

        self.ranges.append(page_range)
        document = DoclingDocument(name="document")
        for number in range(page_range[0], page_range[1] + 1):
            document.add_page(page_no=number, size=Size(width=600, height=800))
            box = BoundingBox(l=60, t=760, r=300, b=720, coord_origin=CoordOrigin.BOTTOMLEFT)
            place = ProvenanceItem(page_no=number, bbox=box, charspan=(0, 9))
            document.add_heading(text=f"Chapter {number}", level=1, prov=place)
            if not self.drops_text:
                document.add_text(label=DocItemLabel.TEXT, text=f"Words on page {number}.", prov=place)
        return SimpleNamespace(status=ConversionStatus.SUCCESS, document=document)


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    stub_speech()
    monkeypatch.setattr("docling.document_converter.DocumentConverter", FakeConverter)
    docling_pdf.load.cache_clear()
    (tmp_path / "layout").mkdir()
    yield tmp_path
    docling_pdf.load.cache_clear()


def test_docling_reads_pdf_with_boxes_and_tells_progress(artifacts: Path) -> None:
    told: list[tuple[int, int]] = []
    parsed = parse_document(
        FILE, PDF, "a.pdf", artifacts=str(artifacts), progress=lambda done, count: told.append((done, count))
    )
    assert [block.text for block in parsed.blocks] == [text for page in PAGES for text, _ in page]
    assert parsed.blocks[0].kind is BlockKind.HEADING
    assert parsed.blocks[2].lines[0].box == PageBox(2, 0.1, 0.05, 0.5, 0.1)
    assert (parsed.title, parsed.page_count) == ("Chapter 1", 6)
    assert parsed.parser.startswith("docling ")
    assert FakeConverter.ranges == [(1, 4), (5, 6)]
    assert told == [(4, 6), (6, 6)]


def test_text_that_docling_drops_is_an_error_or_read_by_the_built_in_parser(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeConverter, "drops_text", True)
    with pytest.raises(UnreadableDocument, match=r"docling read only 48 of the 120 .*RAGSQL_PDF_FALLBACK"):
        parse_document(FILE, PDF, "a.pdf", artifacts=str(artifacts))
    parsed = parse_document(FILE, PDF, "a.pdf", artifacts=str(artifacts), fallback=True)
    assert parsed.parser.startswith("pypdfium2 ")
    assert parsed.parser.endswith(" in place of docling")
    assert "Words on page 6." in {block.text for block in parsed.blocks}


def test_missing_models_are_one_error(artifacts: Path) -> None:
    (artifacts / "layout").rmdir()
    with pytest.raises(NotConfigured, match=r"FileNotFoundError.*docling-tools models download.*USE_DOCKLING"):
        parse_document(FILE, PDF, "a.pdf", artifacts=str(artifacts))


def test_missing_models_stop_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    chosen = settings.load({"USE_DOCLING": "true", "DOCLING_ARTIFACTS_PATH": str(folder)})
    with ExitStack() as closing, pytest.raises(SettingsError) as raised:
        backends.make_parser(chosen, closing)
    (problem,) = raised.value.problems.items()
    assert problem[0] == "USE_DOCKLING"
    assert f"docling-tools models download --output-dir {folder}" in problem[1]
    assert "RAGSQL_PDF_FALLBACK=true" in problem[1]


async def test_the_fallback_is_recorded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted = {"USE_DOCKLING": "true", "DOCLING_ARTIFACTS_PATH": str(tmp_path), "RAGSQL_PDF_FALLBACK": "true"}
    with ExitStack() as closing, caplog.at_level(logging.WARNING, "ragsql"):
        parser = backends.make_parser(settings.load(wanted), closing)
        parsed = await parser.parse(DEFAULT_CALLER, FILE, PDF, "a.pdf")
    assert parsed.parser.endswith(" in place of docling")
    assert [record.message[:38] for record in caplog.records] == ["PDF is read by the built-in parser. do"]
