from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evals.reupload import problem
from ragsql.v1.answer_pb2 import Answer, Citation
from ragsql.v1.query_service_pb2 import NoAnswer, QueryResponse

FOLDER = Path("evals/data/reupload")
EXPECTED: dict[str, Any] = {"answerable": True, "answer_regex": "14:15", "must_not_match": "13:45"}
DELETED: dict[str, Any] = {"answerable": False, "answer_regex": None, "must_not_cite": "notice.md"}
DECLINED = QueryResponse(no_answer=NoAnswer(hint="Nothing says it."))


def answered(text: str, quote: str = "", filename: str = "notice.md") -> QueryResponse:
    return QueryResponse(answer=Answer(text=text, citations=[Citation(filename=filename, quote=quote or text)]))


@pytest.mark.parametrize(
    ("response", "expected", "wrong"),
    [
        (answered("Until 14:15."), EXPECTED, ""),
        (answered("Until 13:45."), EXPECTED, "stale"),
        (answered("Until 14:15.", "Food from 11:30 to 13:45"), EXPECTED, "stale"),
        (answered("Until noon."), EXPECTED, "the text misses"),
        (DECLINED, EXPECTED, "declined although"),
        (DECLINED, DELETED, ""),
        (answered("Until 14:15."), DELETED, "stale"),
        (answered("Bread is sold.", filename="other.md"), DELETED, "answered although"),
    ],
)
def test_a_stale_answer_is_told_from_a_wrong_one(response: QueryResponse, expected: dict[str, Any], wrong: str) -> None:
    assert problem(response, expected).startswith(wrong)
    assert bool(problem(response, expected)) is bool(wrong)


def test_each_version_holds_what_its_cases_expect_and_the_new_one_nothing_stale() -> None:
    for case in map(json.loads, (FOLDER / "cases.jsonl").read_text().splitlines()):
        for version in ("v1", "v2"):
            text, expected = (FOLDER / version / case["file"]).read_text(), case[f"after_{version}"]
            assert not expected["answerable"] or re.search(expected["answer_regex"], text, re.I), case["id"]
            stale = expected.get("must_not_match")
            assert not (stale and re.search(stale, text, re.I)), case["id"]
