"""The commands that talk to a server, run in this process against one whose answers are known."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from ragsql.v1.answer_pb2 import Route
from ragsql.v1.health_service_pb2 import HealthStatus
from ragsql.v1.query_service_pb2 import SqlPolicy
from service.cli.main import app
from tests.cli.conftest import Run
from tests.client.fake_documents import FAILED, PHASES, PROCESSING, document
from tests.client.fake_server import QUOTE, USED, FakeServices
from tests.client.fake_sql import STATEMENT

NOBODY = "http://127.0.0.1:1"


def test_ask_shows_the_whole_answer(run: Run) -> None:
    result = run("ask", "How long may I return it?")
    assert result.exit_code == 0
    assert "hybrid (90%): Both fit." in result.stdout
    assert STATEMENT.sql in result.stdout
    assert "[bold]Ann[/bold]" in result.stdout
    assert "12.50" in result.stdout
    assert "NULL" in result.stdout
    assert "There are more rows than are shown." in result.stdout
    assert result.stdout.count("Fourteen [days].") == 1
    assert "[1] a.pdf › pages 2-3 › Returns" in result.stdout
    assert result.stdout.count("found a.pdf › pages 2-3 › Returns") == 1
    assert QUOTE in result.stdout


def test_ask_passes_its_options_on(run: Run, services: FakeServices) -> None:
    assert run("ask", "q", "--route", "sql", "--approve", "--top-k", "3").exit_code == 0
    sent = services.questions[0]
    assert (sent.route, sent.sql_policy, sent.top_k) == (Route.ROUTE_SQL, SqlPolicy.SQL_POLICY_REQUIRE_APPROVAL, 3)


def test_ask_as_json_is_the_contract(run: Run) -> None:
    result = run("ask", "q", "--json")
    reply = json.loads(result.stdout)
    assert reply["answer"]["citations"][0]["quote"] == QUOTE
    assert reply["answer"]["sqlResults"][0]["table"]["rows"][0]["values"][1] == {"decimalValue": "12.50"}


@pytest.mark.parametrize("flags", [(), ("--json",)])
@pytest.mark.parametrize(("question", "code"), [("unknown", 3), ("pending", 5), ("anything", 0), ("", 1)])
def test_ask_tells_scripts_what_came(run: Run, flags: tuple[str, ...], question: str, code: int) -> None:
    assert run("ask", question, *flags).exit_code == code


def test_no_answer_says_what_to_do(run: Run) -> None:
    assert "No answer. Upload a document about it." in run("ask", "unknown").stdout


def test_pending_sql_names_the_statement(run: Run) -> None:
    assert STATEMENT.name in run("ask", "pending").stdout


def test_a_refusal_is_a_sentence(run: Run) -> None:
    result = run("ask", "", "--json")
    assert result.stderr == "It must not be empty.\n"
    error = json.loads(result.stdout)["error"]
    assert (error["code"], error["reason"]) == ("invalid_argument", "INVALID_FIELD")
    assert error["fieldViolations"] == [{"field": "query", "description": "It must not be empty."}]


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "q"),
        ("health",),
        ("usage",),
        ("audit",),
        ("upload", __file__),
        ("documents", "list"),
        ("documents", "delete", "x"),
        ("sql", "q"),
        ("train", "--export", "/dev/null"),
        ("feedback", "list"),
        ("feedback", "promote", "x"),
    ],
)
def test_nobody_listens(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--url", NOBODY, "--json"])
    assert result.exit_code == 4
    assert result.stderr == (
        f"No ragsql server answers at {NOBODY}. Start one with `ragsql serve`, or name another with --url.\n"
    )
    assert json.loads(result.stdout)["error"]["message"] == result.stderr.strip()


def test_a_wrong_url_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["health", "--url", "localhost"])
    assert result.exit_code == 2
    assert "must begin with http" in result.stderr


def test_usage_is_a_table_with_what_is_unknown_said(run: Run, services: FakeServices) -> None:
    assert "No model was used in the last 7 days." in run("usage", "--days", "7").stdout
    assert services.days == 7
    services.used = USED
    shown = run("usage").stdout
    assert services.days == 30
    assert re.search(r"2026-01-31 .* sql .* gpt-4o .* 3 .* 1,234,567 .* 89 .* 0 .* 0\.7500", shown)
    assert re.search(r"2026-01-30 .* cached .* \[b\]x .* 5 .* unknown", shown)
    assert "Together 0.7500 US dollars by the prices of 2025-06-01, without the models whose price is unknown." in shown
    assert "saved 0.2500" in shown
    assert json.loads(run("usage", "--json").stdout)["totals"][0]["inputTokens"] == "1234567"
    assert run("usage", "--days", "0").exit_code == 2


def test_documents_come_and_go(run: Run, services: FakeServices) -> None:
    assert "There are no documents." in run("documents", "list").stdout
    services.files = {"a.txt": b"1", "b.txt": b"22"}
    assert [item["filename"] for item in json.loads(run("documents", "list", "--json").stdout)] == ["a.txt", "b.txt"]
    assert run("documents", "delete", "a.txt").stdout == "Deleted documents/a.txt.\n"
    assert json.loads(run("documents", "delete", "documents/b.txt", "--json").stdout) == {"deleted": "documents/b.txt"}
    assert services.files == {}
    gone = run("documents", "delete", "b.txt")
    assert (gone.exit_code, gone.stderr) == (1, "There is no documents/b.txt.\n")


def test_documents_show_how_far_they_are_and_why_they_failed(run: Run, services: FakeServices) -> None:
    reason = "The PDF is encrypted. Save it without a password, then upload it again."
    services.files = {"a.txt": b"1"}
    long = f"{'c' * 250}.pdf"
    services.records = {
        "b.pdf": document("b.pdf", b"2", PROCESSING, progress=PHASES[2]),
        "c": document(long, b"3", FAILED, failure_reason=reason),
    }
    services.records["c"].name = "documents/c"
    shown = run("documents", "list").stdout
    assert re.search(r"active .* a\.txt", shown)
    assert re.search(r"embedding 3/7 .* b\.pdf", shown)
    failed = run("documents", "list", "--state", "failed")
    assert failed.stdout.endswith(f"{long}: {reason}\n")
    assert "a.txt" not in failed.stdout
    (whole,) = json.loads(run("documents", "list", "--state", "failed", "--json").stdout)
    assert (whole["filename"], whole["failureReason"]) == (long, reason)
    both = json.loads(run("documents", "list", "--state", "failed", "--state", "processing", "--json").stdout)
    assert {item["state"] for item in both} == {"DOCUMENT_STATE_FAILED", "DOCUMENT_STATE_PROCESSING"}
    assert run("documents", "list", "--state", "pending").stdout == "No document is pending.\n"
    assert run("documents", "list", "--state", "lost").exit_code == 2


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [
        (HealthStatus.HEALTH_STATUS_SERVING, "serving", 0),
        (HealthStatus.HEALTH_STATUS_DEGRADED, "degraded", 0),
        (HealthStatus.HEALTH_STATUS_NOT_SERVING, "not serving", 1),
    ],
)
def test_health(run: Run, services: FakeServices, status: HealthStatus, word: str, code: int) -> None:
    services.status = status
    shown = run("health")
    assert shown.exit_code == code
    assert f"Overall: {word}" in shown.stdout
    assert "It is well." in shown.stdout
    assert json.loads(run("health", "--json").stdout)["components"][0]["adapter"] == "sqlite"
