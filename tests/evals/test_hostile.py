from __future__ import annotations

from typing import Any

import httpx
import pytest

from evals.hostile import unexpected, wrong_text
from evals.measures import Measure, Report, show
from evals.sending import Outcome, refused

ENTRY: dict[str, Any] = {
    "expect": "accept_or_reject",
    "max_seconds": 10,
    "must_contain": ["TAILMARK", "Bergen, Norway"],
    "must_not_contain": ["root:"],
}
TAKEN, REFUSED = Outcome("documents/1"), Outcome(refusal="UNREADABLE_DOCUMENT: It is damaged.")


@pytest.mark.parametrize(
    ("expect", "outcome", "seconds", "right"),
    [
        ("accept_or_reject", TAKEN, 1.0, True),
        ("accept_or_reject", REFUSED, 1.0, True),
        ("accept_or_reject", TAKEN, 10.5, False),
        ("accept_or_reject", Outcome(fault="INTERNAL: A fault."), 1.0, False),
        ("accept", REFUSED, 1.0, False),
        ("reject", TAKEN, 1.0, False),
        ("reject", REFUSED, 1.0, True),
    ],
)
def test_an_outcome_is_judged_by_what_is_expected(expect: str, outcome: Outcome, seconds: float, right: bool) -> None:
    assert (unexpected({**ENTRY, "expect": expect}, outcome, seconds, large=False) == []) is right


def test_nothing_may_take_longer_than_thirty_seconds() -> None:
    patient = {**ENTRY, "max_seconds": 120}
    assert unexpected(patient, TAKEN, 31.0, large=False)
    assert not unexpected(patient, Outcome("documents/1", taken_seconds=2.0), 90.0, large=True)
    assert unexpected(patient, Outcome("documents/1", taken_seconds=31.0), 90.0, large=True)


def test_lost_and_forbidden_marks_are_named() -> None:
    assert wrong_text(ENTRY, "… TAILMARK and Bergen,\n Norway") == []
    assert wrong_text(ENTRY, "TAILMARK root:x:0:0") == ["lost 'Bergen, Norway'", "shows 'root:'"]


def test_only_a_4xx_with_a_reason_is_a_refusal() -> None:
    typed = {"code": "invalid_argument", "message": "No.", "details": [{"debug": {"reason": "INVALID_FIELD"}}]}
    assert refused(httpx.Response(400, json=typed)) == Outcome(refusal="INVALID_FIELD: No.")
    assert refused(httpx.Response(500, json=typed)).fault
    assert refused(httpx.Response(400, text="No.")).fault
    assert refused(httpx.Response(400, json={"code": "invalid_argument"})).fault


def test_a_missed_target_is_said_on_its_side() -> None:
    missed = [Measure("right", 74, 4, target=75), Measure("p95", 6, 4, "s", 5, at_most=True)]
    assert [measure.verdict for measure in missed] == ["UNDER", "OVER"]
    assert not Report("all", missed).good
    assert Report("all", [Measure("right", 75, 4, target=75), Measure("width", 3, 4)]).good
    assert "74 % UNDER" in show([Report("all", missed)])
