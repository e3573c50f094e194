from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from evals import document_sets
from evals.documents_text import pages_of
from service.evaluation.grading import stands_in


@pytest.fixture(scope="module", params=(*document_sets.HELD_OUT, *document_sets.TUNED_ON))
def folder(request: pytest.FixtureRequest) -> Generator[Path]:
    with document_sets.written(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def items(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "qa.jsonl").read_text().splitlines()]


def test_two_thirds_of_the_questions_can_be_answered(items: list[dict[str, Any]]) -> None:
    assert [item["answerable"] for item in items].count(True) == 20
    assert [item["answerable"] for item in items].count(False) == 10
    assert len({item["id"] for item in items}) == len(items)


def test_the_evidence_stands_on_the_pages_that_the_questions_name(folder: Path, items: list[dict[str, Any]]) -> None:
    for item in (item for item in items if item["answerable"]):
        pages = pages_of(folder / item["file"])
        for page in item["pages"] or [0]:
            assert stands_in(item["evidence"], pages[page]), item["id"]


def test_a_page_of_the_source_is_a_page_of_the_pdf(folder: Path, items: list[dict[str, Any]]) -> None:
    for file in {item["file"] for item in items if item["file"].endswith(".pdf")}:
        source = next(document_sets.SETS.glob(f"*/{Path(file).stem}.md")).read_text()
        assert sorted(pages_of(folder / file)) == list(range(1, source.count("\n===\n") + 2))
