"""Logs as JSON lines, and metrics in the same lines by CloudWatch's embedded metric format.

One line a request goes to stdout. CloudWatch reads its metrics out of "_aws"; elsewhere that is a field like others.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from service.transport.recording import RecordRequests, invocation
from service.usecases.request_record import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette

    from service.settings import Settings
    from service.usecases.request_record import RequestRecord

NAMESPACE = "ragsql"
# CloudWatch bills every name, and every value of its dimension, on its own: only what people look at is one.
BY_ROUTE = {"latency_ms": "Milliseconds"}
TOTALS = {
    "cache_hits": "Count",
    "input_tokens": "Count",
    "output_tokens": "Count",
    "cost_usd": "None",
    "pages_per_second": "Count/Second",
    "cold_starts": "Count",
}
"""Those of shares, such as cache_hits, are 0 or 1 a request: their average is the share."""
BY_REASON = {"errors": "Count"}
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def attach(app: Starlette, settings: Settings) -> None:
    """Have every request of app leave its line, and whatever the service logs be a line like it."""
    log_as_json()
    write = writer(metrics=settings.log_metrics)
    app.add_middleware(RecordRequests, write=write, keeps_questions=settings.log_questions)


def writer(*, metrics: bool) -> Callable[[RequestRecord], None]:
    """What writes the line of a request."""
    return lambda record: _print(line_of(record, metrics=metrics, now=time.time()))


def line_of(record: RequestRecord, *, metrics: bool, now: float) -> dict[str, Any]:
    """The line, in the order in which a person reads it. now is in seconds since 1970."""
    line: dict[str, Any] = {
        "time": _timestamp(now),
        "level": "ERROR" if record.status >= 500 or (record.reason and not record.status) else "INFO",
        "message": "request",
        "request_id": record.request_id,
        "tenant": record.tenant,
        "route": record.route or "other",
        "status": record.status,
        "reason": record.reason,
        "latency_ms": _milliseconds(record.seconds),
        "steps_ms": {name: _milliseconds(seconds) for name, seconds in record.steps.items()},
    }
    if record.cold_start is not None:
        line |= {"cold_start": record.cold_start, "cold_starts": int(record.cold_start)}
    if record.cache_hit is not None:
        line |= {"cache_hit": record.cache_hit, "cache_hits": int(record.cache_hit)}
    if record.usage:
        tokens = ("input_tokens", "output_tokens", "embedding_tokens", "cost_usd")
        line |= {name: getattr(record.usage, name) for name in tokens} | {"models": record.usage.models}
    if record.pages:
        line |= {"pages": record.pages, "pages_per_second": round(record.pages / max(record.seconds, 1e-6), 2)}
    if record.question:
        line["question"] = record.question
    return line | _metrics(line, now) if metrics else line


def _metrics(line: dict[str, Any], now: float) -> dict[str, Any]:
    """The embedded metrics: latency by route, errors by reason, all else added up."""
    counted = {"errors": 1} if line["reason"] else {}
    directives = [
        {"Namespace": NAMESPACE, "Dimensions": [by], "Metrics": [{"Name": name, "Unit": unit} for name, unit in found]}
        for by, units in ((["route"], BY_ROUTE), ([], TOTALS), (["reason"], BY_REASON))
        if (found := [item for item in units.items() if item[0] in line | counted])
    ]
    return {**counted, "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": directives}}


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON, with the request that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        request, said = recorded(), invocation.get()
        line: dict[str, Any] = {
            "time": _timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request.request_id if request else said.request_id if said else "",
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _dump(line)


def log_as_json() -> None:
    """Have everything that the service logs go to stdout, a line of JSON each."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    for name in ("ragsql", "service"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    # Its lines say less than those of the requests.
    logging.getLogger("ragsql.requests").setLevel(logging.WARNING)


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(_dump(line) + "\n")
    sys.stdout.flush()


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
