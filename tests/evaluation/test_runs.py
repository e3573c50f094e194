"""Runs are kept, found again and compared."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from service.evaluation.compare import compare, in_words
from service.evaluation.page import render
from service.evaluation.reports import Confidence, Measure, Outcome, Report, share
from service.evaluation.runs import changes, load, run_of, save
from tests.evaluation.made import outcome, outcomes, report

HOSTILE = "<script>alert(\"x\")</script> & 'more'"


def test_a_run_comes_back_equal(tmp_path: Path) -> None:
    told = (Confidence("routing", 0.75, True),)
    full = outcome("ä", False, confidences=told, citations=("a.pdf 3",), unpriced=("m",), seconds=None, cached=True)
    measure = Measure("p95", 2.5, 1, "s", 5.0, True)
    run = run_of("shop", "http://here", [report([full], measure, data="d", models=("m",), cases=[{"id": 1}])])
    path = save(run, tmp_path / "results")
    assert load(path) == run
    assert json.loads(path.read_text())["reports"][0]["outcomes"][0]["id"] == "ä"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "ragsql-evaluation-1"}', '[{"suite": "old"}]'])
def test_other_files_are_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert load(tmp_path / "a.json") is None
    assert changes(run_of("shop", "", [report(outcomes("+"))]), tmp_path) == []


def test_it_is_compared_with_the_last_run_by_the_same_models_on_the_same_machine(tmp_path: Path) -> None:
    for pattern in ("---", "++-"):
        save(run_of("shop", "", [report(outcomes(pattern))]), tmp_path)
    save(run_of("shop", "", [report(outcomes("---", models=("other",)))]), tmp_path)
    save(replace(run_of("shop", "", [report(outcomes("---"))]), machine="another"), tmp_path)
    save(run_of("shop", "", [replace(report(outcomes("---")), suite="other")]), tmp_path)
    (change,) = changes(run_of("shop", "", [report(outcomes("-++"))]), tmp_path)
    assert ([item.id for item in change.newly_wrong], [item.id for item in change.newly_right]) == (["q0"], ["q2"])
    assert not change.worse


def test_the_same_data_goes_before_a_newer_run_and_measures_need_it(tmp_path: Path) -> None:
    save(run_of("shop", "", [report(outcomes("++"), data="a")]), tmp_path)
    save(run_of("shop", "", [report(outcomes("--"), data="b")]), tmp_path)
    (same,) = changes(run_of("shop", "", [report(outcomes("+-"), data="a")]), tmp_path)
    assert (len(same.newly_wrong), len(same.measures)) == (1, 1)
    (other,) = changes(run_of("shop", "", [report(outcomes("+-+"), data="c")]), tmp_path)
    assert (other.common, len(other.newly_right), other.measures) == (2, 1, ())


def test_fewer_right_answers_are_worse_and_noise_is_told_from_more() -> None:
    few = compare(report(outcomes("+++")), report(outcomes("--+")), "then")
    assert few.worse
    assert "shop: WORSE than then" in in_words([few])
    assert "2 newly wrong, 0 newly right, within noise (p = 0.5)" in in_words([few])
    assert "now wrong  q0: What is q0?" in in_words([few])
    many = compare(report(outcomes("+" * 8)), report(outcomes("-" * 8)), "then")
    assert "beyond noise" in in_words([many])
    assert not compare(report(outcomes("+-")), report(outcomes("-+")), "then").worse
    assert "nothing changed beyond noise" in in_words([compare(report([]), report([]), "then")])
    assert in_words([]) == ""


@pytest.mark.parametrize(("now", "worse"), [(50, True), (78, False), (100, False)])
def test_a_held_out_suite_is_judged_by_its_measures(now: int, worse: bool) -> None:
    def held_out(right: int) -> Report:
        return Report("held out", [share("right", [True] * right + [False] * (100 - right))], data="d")

    assert compare(held_out(80), held_out(now), "then").worse is worse


def test_times_are_compared_question_by_question() -> None:
    before = report(outcomes("+" * 10, seconds=1.0), Measure("p50", 1.0, 10, "s"))
    slower = report(outcomes("+" * 10, seconds=2.0), Measure("p50", 2.0, 10, "s"))
    right, time = compare(before, slower, "then").measures
    assert (right.better, right.beyond_noise) == (None, False)
    assert (time.better, time.beyond_noise) == (False, True)
    assert "worse  p50: 1 → 2 s" in in_words([compare(before, slower, "then")])
    cached = report(outcomes("+" * 10, cached=True), Measure("p50", 0.1, 10, "s"))
    assert not compare(before, cached, "then").measures[1].beyond_noise


@pytest.mark.parametrize(
    ("measure", "lower"),
    [
        (Measure("right", 1, 1), False),
        (Measure("declined", 1, 1, target=10, at_most=True), True),
        (Measure("p50", 1, 1, "s"), True),
        (Measure("pages", 1, 1, "pages"), None),
        (Measure("nDCG", 1, 1, "", 0.7), False),
    ],
)
def test_which_side_is_better(measure: Measure, lower: bool | None) -> None:
    assert measure.lower_is_better is lower


class Checked(HTMLParser):
    """Every tag that is opened is closed, and none loads anything."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def full_page() -> str:
    told = (Confidence("routing", 0.9, True), Confidence("sql", 0.4, False))
    wrong = outcome("q0", False, got=HOSTILE, problem="wrong rows", sql="SELECT 1 < 2", confidences=told)
    items: list[Outcome] = [wrong, *outcomes("-++")[1:], outcome("q3", True, category="documents", cost_usd=0.5)]
    now = report(items, Measure("p95", 9.0, 3, "s", 5.0, True), data="d")
    before = report(outcomes("++++"), Measure("p95", 1.0, 3, "s", 5.0, True), data="d")
    return render(run_of(HOSTILE, "", [now]), [compare(before, now, "2026-01-01T00:00:00+00:00")])


def test_the_page_is_whole_and_asks_for_nothing() -> None:
    page = full_page()
    checked = Checked()
    checked.feed(page)
    assert checked.open == []
    assert not checked.tags & {"script", "link", "img", "iframe", "form"}
    assert not re.search(r"https?://|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert "width=device-width" in page


def test_the_page_says_what_a_person_looks_for() -> None:
    page = full_page()
    assert "&lt;script&gt;" in page
    assert all(heading in page for heading in ("Since the last run", "Calibration", "Tokens and cost", "What is wrong"))
    assert "67 % (2/3)" in page
    assert page.count("Expected calibration error") == 2
    assert "SELECT 1 &lt; 2" in page
    assert "0.5000" in page
    for chart in re.findall(r"<svg.*?</svg>", page):
        assert "nan" not in chart
        assert ElementTree.fromstring(chart).attrib["aria-label"]


def test_a_page_without_questions_has_its_measures() -> None:
    page = render(run_of("held", "", [Report("held out", [share("right", [True, False])])]), [])
    assert "no earlier run to compare with" in page
    assert "9 to 91 %" in page
    assert "What is wrong" not in page
