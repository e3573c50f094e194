"""`ragsql audit` against a server whose events are known."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest

from ragsql.v1.sql_service_pb2 import AuditEvent
from tests.cli.conftest import Run
from tests.client.fake_server import FakeServices


def event(action: str, **fields: object) -> AuditEvent:
    made = AuditEvent(
        name=f"auditEvents/{action}",
        principal="[bold]ann",
        action=f"AUDIT_ACTION_{action}",
        sql_statement="sqlStatements/0123456789abcdef",
        sql="SELECT a\nFROM b",
        **fields,  # pyright: ignore[reportArgumentType]
    )
    made.create_time.FromDatetime(dt.datetime(2026, 1, 31, 23, 59, 1))
    return made


@pytest.fixture
def happened(services: FakeServices) -> list[AuditEvent]:
    services.happened += [
        event("FAILED", duration_seconds=10.0, detail="The database took longer than 10 seconds."),
        event("EXECUTED", row_count=1234, duration_seconds=0.256, cache_hit=True),
        event("APPROVED", approver="SQL_APPROVER_PERSON"),
        event("REJECTED"),
        event("GENERATED"),
    ]
    return services.happened


def test_events_are_a_table_of_who_did_what_when(run: Run, happened: list[AuditEvent]) -> None:
    result = run("audit")
    lines = [re.split(r" {2,}", line.strip()) for line in result.stdout.splitlines()]
    when, who = "2026-01-31 23:59:01", "[bold]ann"
    assert result.exit_code == 0
    assert lines[1:] == [
        [when, who, "failed", "10.00", "01234567", "The database took longer than 10 seconds."],
        [when, who, "executed from the cache", "1,234", "0.26", "01234567", "SELECT a FROM b"],
        [when, who, "approved by person", "01234567", "SELECT a FROM b"],
        [when, who, "rejected", "01234567", "SELECT a FROM b"],
        [when, who, "generated", "01234567", "SELECT a FROM b"],
    ]
    assert result.stderr == ""


def test_pages_go_on_where_the_last_ended(run: Run, happened: list[AuditEvent]) -> None:
    seen: list[str] = []
    token = ""
    while True:
        words = ["--page-token", token] if token else []
        page = json.loads(run("audit", "--limit", "3", "--json", *words).stdout)
        seen += [item["action"].removeprefix("AUDIT_ACTION_") for item in page["auditEvents"]]
        token = page["nextPageToken"]
        if not token:
            break
    assert seen == ["FAILED", "EXECUTED", "APPROVED", "REJECTED", "GENERATED"]
    assert "--page-token 3" in run("audit", "--limit", "3").stderr
    assert page["auditEvents"][-1]["sql"] == "SELECT a\nFROM b"


def test_nothing_happened_yet(run: Run) -> None:
    assert run("audit").stdout == "No SQL was generated yet.\n"
    assert json.loads(run("audit", "--json").stdout) == {"auditEvents": [], "nextPageToken": ""}
    assert run("audit", "--limit", "0").exit_code == 2
