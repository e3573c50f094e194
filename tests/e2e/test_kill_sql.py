"""`ragsql serve` killed with SIGKILL while SQL waits for approval, started again, and approved."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.samples import DATABASE_URL
from tests.e2e.server import Server
from tests.scripted_model import scripted_model

QUESTION = "How big is a typical order, on average?"


def test_a_statement_that_waits_survives_and_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path / "data")
    with scripted_model() as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model)
        monkeypatch.setenv("DATABASE_URL", DATABASE_URL)
        server.start()
        try:
            asked = {"query": QUESTION, "route": "ROUTE_SQL", "sqlPolicy": "SQL_POLICY_REQUIRE_APPROVAL"}
            made = server.http.post("/query", json=asked).raise_for_status().json()["pendingSql"]["sqlStatement"]
            server.kill()
            server.start()
            (listed,) = server.http.get("/sqlStatements").raise_for_status().json()["sqlStatements"]
            assert listed == made
            done = server.http.post(f"/{made['name']}:execute", json={"etag": made["etag"]}).raise_for_status().json()
            assert done["answer"]["text"].startswith("The average is 5.65")
            server.kill()
            server.start()
            twice = server.http.post(f"/{made['name']}:execute", json={"etag": made["etag"]})
            assert twice.json()["code"] == "failed_precondition"
            events = server.http.get("/auditEvents").raise_for_status().json()["auditEvents"]
            assert [event["action"].removeprefix("AUDIT_ACTION_") for event in events] == [
                "EXECUTED", "APPROVED", "GENERATED"
            ]  # fmt: skip
        finally:
            server.kill()
