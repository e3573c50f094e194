"""Events that tell of files in S3: from S3 itself, through SQS or SNS, through EventBridge, or as a dead letter."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple, cast
from urllib.parse import unquote_plus

Event = dict[str, Any]

_TEST = "s3:TestEvent"
_CREATED = "ObjectCreated:"
_log = logging.getLogger("ragsql")


class UnknownEvent(Exception):
    """The function was invoked with what it does not know. Says which events it takes."""


class Arrival(NamedTuple):
    """An object that was created. key is decoded."""

    bucket: str
    key: str


def is_queue(event: Any) -> bool:
    """Whether messages of SQS are to be answered one by one."""
    return any(_source(record) == "aws:sqs" for record in _records(event))


def messages(event: Event) -> list[tuple[str, Event]]:
    """The messages of an SQS event by their ids, each with its body as a record."""
    return [(str(record.get("messageId", "")), record) for record in _records(event)]


def arrivals(event: Any) -> list[Arrival]:
    """The objects that an event says were created; none for a test and for what else happens to objects.

    Raises UnknownEvent.
    """
    return list(_arrivals(event, depth=3))


def _arrivals(event: Any, depth: int) -> Iterator[Arrival]:
    if not isinstance(event, dict) or depth == 0:
        raise _unknown(event)
    event = cast(Event, event)
    if "requestPayload" in event:
        # A dead letter of Lambda: the event that failed, and what was said to it.
        yield from _arrivals(event["requestPayload"], depth - 1)
    elif event.get("Event") == _TEST:
        _log.info("S3 tests its notifications of the bucket %s. They arrive.", event.get("Bucket"))
    elif event.get("source") == "aws.s3" and isinstance(event.get("detail"), dict):
        yield from _of_event_bridge(event)
    elif records := _records(event):
        for record in records:
            yield from _of_record(record, depth)
    else:
        raise _unknown(event)


def _of_record(record: Event, depth: int) -> Iterator[Arrival]:
    match _source(record):
        case "aws:s3":
            yield from _of_s3(record)
        case "aws:sqs":
            yield from _arrivals(_parsed(record.get("body")), depth - 1)
        case "aws:sns":
            notification = record.get("Sns")
            message = cast(Event, notification).get("Message") if isinstance(notification, dict) else None
            yield from _arrivals(_parsed(message), depth - 1)
        case _:
            raise _unknown(record)


def _of_s3(record: Event) -> Iterator[Arrival]:
    name = str(record.get("eventName", "")).removeprefix("s3:")
    if not name.startswith(_CREATED):
        _log.info("The event %s of S3 is ignored: only files that were created are ingested.", name)
        return
    try:
        bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
    except (KeyError, TypeError):
        raise UnknownEvent("A record of S3 has no s3.bucket.name or no s3.object.key.") from None
    yield Arrival(str(bucket), unquote_plus(str(key)))


def _of_event_bridge(event: Event) -> Iterator[Arrival]:
    """Its keys are not encoded."""
    if event.get("detail-type") != "Object Created":
        _log.info("The event %s of S3 is ignored: only files that were created are ingested.", event.get("detail-type"))
        return
    try:
        detail = event["detail"]
        yield Arrival(str(detail["bucket"]["name"]), str(detail["object"]["key"]))
    except (KeyError, TypeError):
        raise UnknownEvent("An event of EventBridge has no detail.bucket.name or no detail.object.key.") from None


def _parsed(body: Any) -> Any:
    """The message inside a message. One that SNS wrapped for SQS has it under Message."""
    try:
        parsed: Any = json.loads(body)
    except (TypeError, ValueError):
        raise UnknownEvent("The body of a message is not JSON, so it is no event of S3.") from None
    message = cast(Event, parsed).get("Message") if isinstance(parsed, dict) else None
    return _parsed(message) if isinstance(message, str) else cast(Any, parsed)


def _records(event: Any) -> list[Event]:
    records: Any = cast(Event, event).get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return []
    return [cast(Event, record) if isinstance(record, dict) else {} for record in cast("list[Any]", records)]


def _source(record: Event) -> str:
    return str(record.get("eventSource") or record.get("EventSource") or "")


def _unknown(event: Any) -> UnknownEvent:
    keys = ", ".join(sorted(map(str, cast(Event, event)))[:10]) if isinstance(event, dict) else type(event).__name__
    return UnknownEvent(
        f"This event is of no known kind (it has: {keys or 'nothing'}). The function takes requests of its Function "
        "URL and events of files in S3, straight, or through SQS, SNS or EventBridge."
    )
