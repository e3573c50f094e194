"""The bill of a month: its arithmetic, and `ragsql cost`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import cloud_prices as prices
from service.domain.monthly_cost import ModelTokens, Payee, Workload, monthly_bill
from tests.cli.conftest import Run
from tests.client.fake_server import USED, FakeServices

shares = st.floats(0, 1)
amounts = st.floats(0, 1e4)
loads = st.builds(
    Workload,
    requests=st.floats(0, 1e9),
    cache_rate=shares,
    cold_rate=shares,
    upload_rate=shares,
    question_seconds=amounts,
    cached_seconds=st.floats(0, 1),
    upload_seconds=amounts,
    memory_mb=st.integers(128, 10240),
    storage_mb=st.integers(512, 10240),
    models=st.dictionaries(
        st.sampled_from(["gpt-4o", "gpt-4o-mini", "local:qwen"]), st.builds(ModelTokens, amounts, amounts)
    ),
    response_kb=amounts,
    log_kb=amounts,
    vectors_gb=amounts,
)


@given(loads, st.floats(1, 10))
def test_more_requests_never_cost_less(work: Workload, times: float) -> None:
    more = replace(work, requests=work.requests * times)
    for line, grown in zip(monthly_bill(work).lines, monthly_bill(more).lines, strict=True):
        assert grown.usd >= line.usd * (1 - 1e-12)
        assert grown.list_usd >= line.list_usd * (1 - 1e-12)


@given(loads)
def test_free_tiers_take_off_and_nothing_is_paid_back(work: Workload) -> None:
    bill = monthly_bill(work)
    assert all(0 <= line.usd <= line.list_usd for line in bill.lines)
    assert bill.total() == pytest.approx(sum(bill.total(payee) for payee in Payee))
    assert bill.total() <= bill.list_total()


@given(loads, st.integers(2, 9))
def test_what_is_metered_is_linear_without_free_tiers(work: Workload, times: int) -> None:
    metered = ("Lambda compute", "Lambda requests", "Lambda storage", "CloudWatch logs", "Data out")
    once = {line.item: line.list_usd for line in monthly_bill(work).lines}
    often = {line.item: line.list_usd for line in monthly_bill(replace(work, requests=work.requests * times)).lines}
    for item in once:
        if item in metered or item.startswith("Questions: "):
            assert often[item] == pytest.approx(times * once[item])


@given(loads)
def test_a_cache_never_makes_questions_dearer(work: Workload) -> None:
    work = replace(work, cached_seconds=min(work.cached_seconds, work.question_seconds))
    cached = replace(work, cache_rate=min(1.0, work.cache_rate + 0.1))
    assert monthly_bill(cached).total() <= monthly_bill(work).total() * (1 + 1e-12)


def test_one_bill_by_hand() -> None:
    work = Workload(
        requests=1_000_000,
        cache_rate=0,
        cold_rate=0,
        upload_rate=0,
        question_seconds=1,
        memory_mb=1024,
        storage_mb=1536,
        models={"gpt-4o": ModelTokens(1000, 100)},
    )
    lines = {line.item: line for line in monthly_bill(work).lines}
    assert lines["Lambda compute"].usd == pytest.approx(600_000 * prices.LAMBDA_GB_SECOND)
    assert lines["Lambda requests"].usd == 0
    assert lines["Lambda requests"].list_usd == pytest.approx(0.20)
    assert lines["Lambda storage"].usd == pytest.approx(1_000_000 * prices.LAMBDA_STORAGE_GB_SECOND)
    assert lines["Questions: gpt-4o"].usd == pytest.approx(1000 * 2.50 + 100 * 10)
    assert lines["Pinecone"].usd == prices.PINECONE_MINIMUM


def test_what_a_vendor_still_has_is_read_for_less() -> None:
    fresh = monthly_bill(Workload(requests=1000, cache_rate=0, models={"gpt-4o": ModelTokens(1000, 0)})).lines
    kept = monthly_bill(Workload(requests=1000, cache_rate=0, models={"gpt-4o": ModelTokens(1000, 0, 800)})).lines
    item = "Questions: gpt-4o"
    (before,), (after,) = ([line.usd for line in lines if line.item == item] for lines in (fresh, kept))
    assert (before, after) == (pytest.approx(2.5), pytest.approx(1.5))


@given(loads)
def test_another_chat_model_changes_what_is_written_and_nothing_else(work: Workload) -> None:
    lines = zip(monthly_bill(work).lines, monthly_bill(work, "gpt-4o-mini").lines, strict=True)
    changed = {line.item for line, other in lines if line != other}
    assert changed <= {f"Questions: {model}" for model, tokens in work.models.items() if tokens.output}


def test_the_metrics_are_those_of_the_log() -> None:
    from service.request_log import BY_REASON, BY_ROUTE, TOTALS

    assert Workload(requests=1).metrics == 5 * len(BY_ROUTE) + 4 * len(BY_REASON) + len(TOTALS)


def test_a_model_without_a_price_is_named() -> None:
    bill = monthly_bill(Workload(requests=10, models={"their-model": ModelTokens(5, 5)}))
    assert bill.unpriced == ("their-model",)


def test_the_alarms_are_those_of_the_template() -> None:
    text = (Path(__file__).parents[2] / "deploy" / "template.yaml").read_text()
    assert Workload(requests=1).alarms == len(re.findall(r"Type: AWS::CloudWatch::Alarm\n", text))
    assert Workload(requests=1).memory_mb == 3008


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("cache_rate", {"cache_rate": 1.1}),
        ("requests", {"requests": -1}),
        ("question_seconds", {"question_seconds": float("nan")}),
        ("m input", {"models": {"m": ModelTokens(-1)}}),
        ("m cached", {"models": {"m": ModelTokens(1, 1, 2)}}),
    ],
)
def test_what_cannot_be_is_refused(name: str, wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"requests": 1, **wrong}
    with pytest.raises(ValueError, match=name):
        Workload(**values)


def bill_of(run: Run, *words: str) -> dict[str, Any]:
    result = run("cost", "--json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_table(run: Run) -> None:
    result = run("cost", "--requests", "100000")
    assert result.exit_code == 0
    for words in ("Lambda compute", "Pinecone", "gpt-4o", "26.43", "100 to 130", "2026-11-09", "2026-03-21"):
        assert words in result.stdout
    assert "█" in result.stdout


def test_json_and_measured_values(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "workload.json"
    models = {"gpt-4o-mini": {"input": 1000, "output": 10}}
    file.write_text(json.dumps({"question_seconds": 1.0, "cache_rate": 0.5, "models": models}))
    usual, measured = bill_of(run), bill_of(run, "--measured", str(file))
    assert measured["workload"]["cache_rate"] == 0.5
    assert measured["totals"]["all"] < usual["totals"]["all"]
    assert [line["item"] for line in measured["lines"] if "mini" in line["item"]] == ["Questions: gpt-4o-mini"]
    assert usual["cheaperTotals"]["services"] < usual["totals"]["services"]
    assert measured["cheaperTotals"] == measured["totals"], "it is the cheaper model already"
    assert bill_of(run, "--requests", "0")["totals"]["all"] > 75, "plans are paid in a month without questions, too"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "not a JSON object"),
        ('{"speed": 1}', "speed is nothing that is measured"),
        ('{"models": [1]}', "models is not"),
        ('{"cache_rate": "half"}', "not a number"),
        ('{"cache_rate": 2}', "cache_rate is a share"),
    ],
)
def test_wrong_measured_values(run: Run, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "workload.json"
    file.write_text(text)
    result = run("cost", "--measured", str(file))
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_html(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cost.html"
    assert run("cost", "--html", str(file)).exit_code == 0
    page = file.read_text()
    assert page.count("<svg") == 2
    assert "estimated before" in page
    assert "http" not in re.sub(r'xmlns="[^"]+"', "", page), "a page needs nothing else"


def test_what_a_server_knows(run: Run, url: str, services: FakeServices) -> None:
    services.used = USED
    taken = bill_of(run, "--url", url)["workload"]
    assert taken["cache_rate"] == 0.25
    assert taken["models"] == {"gpt-4o": {"input": 1_234_567 / 6, "output": 89 / 6, "cached": 0}}


def test_a_server_that_was_never_asked(run: Run, url: str) -> None:
    result = run("cost", "--url", url)
    assert result.exit_code == 2
    assert "has not answered a question yet" in " ".join(result.stderr.split())


def test_no_server(run: Run) -> None:
    assert run("cost", "--url", "http://127.0.0.1:9").exit_code == 4
