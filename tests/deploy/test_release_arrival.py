"""The part of a release that sends a file through S3 and the new version of the ingest function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from releasing.arrival import FILENAME, pdf
from tests.deploy.conftest import BUCKET, FUNCTIONS, ONE_LIVE, TWO_LIVE, Account
from tests.deploy.fake_aws import Runtime

Event = dict[str, Any]


def is_arrival(event: Event) -> bool:
    return event.get("source") == "aws.s3"


def called(event: Event, method: str) -> bool:
    return str(event.get("rawPath", "")).endswith(f"DocumentService/{method}")


def test_a_file_goes_through_the_new_version(account: Account, handler: Runtime) -> None:
    """S3 does not tell of it here: whoever ingests it was told by the release."""
    told: list[Event] = []

    def sees(event: Event) -> Any:
        if is_arrival(event):
            told.append({**event["detail"], "there": account.files()})
        return handler(event)

    assert account.bring_in(account.push("second", sees)) == 0
    assert account.live() == TWO_LIVE
    (arrival,) = told
    assert arrival["bucket"] == {"name": BUCKET}
    assert arrival["object"]["key"] in arrival["there"], "it is in S3 before the function is told"
    assert account.aws.invoked.count((FUNCTIONS[1], "2")) == 2, "a test event, and the file"
    assert account.files() == []


def crash(event: Event) -> Any:
    raise MemoryError("no room for PDF")


def ignore(event: Event) -> Any:
    return {"documents": []}


def forget(event: Event) -> Any:
    """Says that it has it, and leaves it alone."""
    file_id = event["detail"]["object"]["key"].rpartition("/")[2]
    return {"documents": [{"name": f"documents/{file_id}", "state": "PENDING"}]}


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (crash, "no room for PDF"),
        (ignore, "alone. Check S3_CACHE_BUCKET"),
        (forget, "The file is not ingested after 0 seconds"),
    ],
)
def test_a_version_that_does_not_ingest(
    account: Account,
    handler: Runtime,
    does: Callable[[Event], Any],
    said: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("releasing.steps.INGEST_SECONDS", 0.0)
    image = account.push("second", lambda event: does(event) if is_arrival(event) else handler(event))
    assert account.bring_in(image) == 1
    assert f"{FUNCTIONS[1]}:2 fails a file" in caplog.text
    assert said in caplog.text
    assert account.live() == ONE_LIVE
    assert account.ask("GET", "/documents")["documents"] == []
    assert account.files() == [], "neither a file nor what it became is left"


def test_a_file_that_cannot_be_read(
    account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> bytes:
        return b"%PDF-1.4\n" + text.encode()

    monkeypatch.setattr("releasing.arrival.pdf", broken)
    assert account.bring_in(account.push("second", handler)) == 1
    assert "The file was not ingested." in caplog.text
    assert account.live() == ONE_LIVE
    assert account.ask("GET", "/documents")["documents"] == []
    assert account.files() == []


@pytest.mark.parametrize("method", ["CreateUpload", "Ingest"])
def test_a_version_that_does_not_take_files(
    account: Account, handler: Runtime, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(event: Event) -> Any:
        if called(event, method):
            raise TimeoutError("gone")
        return handler(event)

    assert account.bring_in(account.push("second", fails)) == 1
    assert "gone" in caplog.text
    assert account.live() == ONE_LIVE
    assert account.ask("GET", "/documents")["documents"] == []


def test_s3_that_takes_no_file(account: Account, handler: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    def loses_its_bucket(event: Event) -> Any:
        reply = handler(event)
        if called(event, "CreateUpload"):
            for key in account.files():
                account.moto("s3").delete_object(Bucket=BUCKET, Key=key)
            account.moto("s3").delete_bucket(Bucket=BUCKET)
        return reply

    assert account.bring_in(account.push("second", loses_its_bucket)) == 1
    assert "fails the PUT of a file: S3 answers 404 to it." in caplog.text
    assert "X-Amz-Signature" not in "".join(one.getMessage() for one in caplog.records if one.name == "release")
    assert account.live() == ONE_LIVE


@pytest.mark.parametrize("failing", [1, 2])
def test_a_deletion_that_fails_is_made_again(account: Account, handler: Runtime, failing: int) -> None:
    """The first deletion is that of the document which was uploaded, the second that of the file from S3."""
    deletions: list[Event] = []

    def fails_once(event: Event) -> Any:
        if called(event, "DeleteDocument"):
            deletions.append(event)
            if len(deletions) == failing:
                raise TimeoutError("gone")
        return handler(event)

    assert account.bring_in(account.push("second", fails_once)) == 1
    assert len(deletions) > failing
    assert account.live() == ONE_LIVE
    assert account.ask("GET", "/documents")["documents"] == []
    assert account.files() == []


def test_the_file_is_a_pdf_that_says_its_text() -> None:
    import pypdfium2

    pages: Any = pypdfium2.PdfDocument(pdf("The code word is copper lantern."))
    assert pages[0].get_textpage().get_text_range() == "The code word is copper lantern."
    assert FILENAME.endswith(".pdf")
