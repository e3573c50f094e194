"""deploy/release.py against an account whose functions run the real handler."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import release
from tests.deploy.conftest import FUNCTIONS, ONE_LIVE, REGISTRY, TWO_LIVE, Account
from tests.deploy.fake_aws import Runtime

READS = ("GET ", "DescribeImages", "GetMetricData", "POST invocations")


def path(event: dict[str, Any]) -> str:
    return event.get("rawPath", "")


def test_success(account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    assert account.bring_in(account.push("second", handler)) == 0
    assert account.live() == TWO_LIVE
    for step in ("upload", "a question about a document", "a question about the database", "both", "what was deleted"):
        assert f"{release.FUNCTION}:2 passes {step}" in caplog.text or f"passes a question about {step}" in caplog.text
    assert "-ingest:2 passes an S3 event" in caplog.text
    assert [call for call in account.aws.calls if call.startswith("PUT")] == ["PUT code"] * 2 + ["PUT live"] * 4
    assert (FUNCTIONS[0], "1") in account.aws.invoked[-8:], "10 % were watched while the old version served, too"
    assert [reply["documents"] for reply in [account.ask("GET", "/documents")]] == [[]]


def test_the_same_image_again_changes_nothing(account: Account, handler: Runtime) -> None:
    image = account.push("second", handler)
    assert account.bring_in(image) == 0
    account.aws.calls.clear()
    assert account.bring_in(image) == 0
    assert [call for call in account.aws.calls if not call.startswith(READS)] == ["POST versions"] * 2
    assert account.live() == TWO_LIVE


def test_a_changed_configuration_is_a_release(account: Account) -> None:
    for function in FUNCTIONS:
        account.aws.client("lambda").update_function_configuration(FunctionName=function, MemorySize=2048)
    assert account.bring_in(account.first) == 0
    assert account.live() == TWO_LIVE


def test_dry_run(account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    image = account.push("second", handler)
    account.aws.calls.clear()
    assert account.bring_in(image, "--dry-run") == 0
    assert account.aws.calls
    assert all(call.startswith(READS[:2]) for call in account.aws.calls)
    assert f"its code would be updated to {image.partition('@')[2]}" in caplog.text
    assert account.live() == ONE_LIVE


@pytest.mark.parametrize(
    "image", ["rag-text-to-sql-serverless", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:latest"]
)
def test_a_tag_is_refused(account: Account, image: str, caplog: pytest.LogCaptureFixture) -> None:
    assert account.bring_in(image) == 1
    assert "Name it by its digest" in caplog.text
    assert not account.aws.calls


@pytest.mark.parametrize("repository", [release.FUNCTION, "another"])
def test_an_image_that_was_not_pushed(account: Account, repository: str, caplog: pytest.LogCaptureFixture) -> None:
    assert account.bring_in(f"{REGISTRY}/{repository}@sha256:{'0' * 64}") == 1
    assert "Push it first" in caplog.text
    assert account.aws.calls == ["DescribeImages"]


def test_a_stack_that_was_not_made(account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    account.moto("lambda").delete_alias(FunctionName=FUNCTIONS[1], Name="live")
    assert account.bring_in(account.push("second", handler)) == 1
    assert f"{FUNCTIONS[1]} has no alias live in this region. Make the stack" in caplog.text
    assert account.aws.alias(FUNCTIONS[0]) == ONE_LIVE[0]


def test_a_failing_smoke_test(account: Account, handler: Runtime) -> None:
    def forgets_uploads(event: dict[str, Any]) -> Any:
        if "Upload" in path(event):
            raise MemoryError("no room")
        return handler(event)

    queue, topic = account.topic()
    assert account.bring_in(account.push("second", forgets_uploads), "--notify", topic) == 1
    assert account.live() == ONE_LIVE
    assert not [each for each in account.aws.invoked[:-1] if each[1] == "1"], "nobody was sent to the new version"
    (told,) = account.told(queue)
    assert f"{release.FUNCTION}: release failed" in told
    assert "fails upload" in told
    assert "MemoryError" in told


def test_a_version_that_answers_wrongly(account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    def knows_nothing(event: dict[str, Any]) -> Any:
        if "Query" in path(event):
            return {"statusCode": 200, "headers": {"content-type": "application/proto"}, "body": ""}
        return handler(event)

    assert account.bring_in(account.push("second", knows_nothing)) == 1
    assert "not harbour lantern" in caplog.text
    assert account.live() == ONE_LIVE
    assert account.ask("GET", "/documents")["documents"] == [], "the document of the check was deleted all the same"


def test_a_question_that_the_database_does_not_answer(account: Account, handler: Runtime) -> None:
    assert account.bring_in(account.push("second", handler), "--sql-question", "How warm is it in Lima?") == 1
    assert account.live() == ONE_LIVE


@pytest.mark.parametrize("version", ["1", "2"])
def test_failing_health_once_it_gets_calls(account: Account, handler: Runtime, version: str) -> None:
    """At 10 % (version 1 is still the alias's own), and at 100 %."""

    def falls_ill(event: dict[str, Any]) -> Any:
        serving, shares = account.live()[0]
        if serving == version and (shares or version == "2"):
            raise TimeoutError("gone")
        return handler(event)

    assert account.bring_in(account.push("second", falls_ill)) == 1
    assert account.live() == ONE_LIVE


@pytest.mark.parametrize(
    ("metric", "more", "value"), [("Errors", {"ExecutedVersion": "2"}, 1), ("Errors", {}, 1), ("Url5xxCount", {}, 6)]
)
def test_what_cloudwatch_counts(
    account: Account, handler: Runtime, metric: str, more: dict[str, str], value: int
) -> None:
    dimensions = {"FunctionName": FUNCTIONS[0], "Resource": f"{FUNCTIONS[0]}:live", **more}
    datum = {
        "MetricName": metric,
        "Value": value,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }

    def count(call: str) -> None:
        if call == "PUT live" and account.aws.calls.count(call) == 1:
            # Within the minute that is watched, also when the next minute begins meanwhile.
            soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=45)
            account.moto("cloudwatch").put_metric_data(
                Namespace="AWS/Lambda", MetricData=[{**datum, "Timestamp": soon}]
            )

    account.aws.before = count
    assert account.bring_in(account.push("second", handler)) == 1
    assert account.live() == ONE_LIVE


def test_an_older_release_that_failed_does_not_stop_the_next(account: Account, handler: Runtime) -> None:
    def crashes(event: dict[str, Any]) -> Any:
        raise OSError(event)

    assert account.bring_in(account.push("second", crashes)) == 1
    assert account.bring_in(account.push("third", handler)) == 0
    assert account.live() == [("3", {}), ("3", {})]
    assert account.bring_in(account.first) == 0
    assert account.live() == [("4", {}), ("4", {})]


def test_what_cannot_be_put_back_needs_a_person(account: Account, handler: Runtime) -> None:
    ill = False

    def falls_ill(event: dict[str, Any]) -> Any:
        if ill:
            raise TimeoutError("gone")
        return handler(event)

    def end(call: str) -> None:
        nonlocal ill
        ill = ill or call == "GetMetricData"

    account.aws.runtimes[account.first.partition("@")[2]] = falls_ill
    account.aws.before = end
    queue, topic = account.topic()
    assert account.bring_in(account.push("second", falls_ill), "--notify", topic) == 3
    assert account.live() == ONE_LIVE
    assert "a person is needed" in account.told(queue)[0]


def test_rollback(account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    assert release.main(["rollback"]) == 1
    assert "no release to take back" in caplog.text
    assert account.bring_in(account.push("second", handler)) == 0
    queue, topic = account.topic()
    assert release.main(["rollback", "--notify", topic]) == 0
    assert account.live() == ONE_LIVE
    assert "was taken back" in account.told(queue)[0]
    assert release.main(["rollback"]) == 1
    assert account.live() == ONE_LIVE


@pytest.mark.parametrize("status", [200, 500])
def test_a_webhook_is_told_and_one_that_fails_changes_nothing(
    account: Account, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[dict[str, str]] = []

    class Webhook(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

    def crashes(event: dict[str, Any]) -> Any:
        raise OSError(event)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = f"http://127.0.0.1:{server.server_port}/services/secret-part"
    try:
        assert account.bring_in(account.push("second", crashes), "--notify", hook) == 1
    finally:
        server.shutdown()
        server.server_close()
    assert account.live() == ONE_LIVE
    assert "The alias leads to where it led before." in told[0]["text"]
    assert "secret-part" not in caplog.text
    assert ("Nobody could be told" in caplog.text) == (status == 500)
