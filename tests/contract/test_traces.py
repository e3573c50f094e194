"""The OTLP tracer: where it sends, under which name, and what it does when nobody takes its spans."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from service.adapters.traces.collectors import Collector, collector, opik
from service.adapters.traces.otlp import OtlpTracer
from service.backends import make_tracer
from service.domain.health import HealthStatus
from service.settings import load
from tests.otlp_collector import OtlpCollector
from tests.patience import HANG_SECONDS

CLOUD = "https://www.comet.com/opik/api/v1/private/otel/v1/traces"


@pytest.fixture
def receiver() -> Iterator[OtlpCollector]:
    receiver = OtlpCollector()
    yield receiver
    receiver.close()
    assert receiver.unexpected == []


def tracer_to(*receivers: OtlpCollector) -> OtlpTracer:
    return OtlpTracer([Collector(receiver.url + receiver.path) for receiver in receivers], "1.0")


@pytest.mark.parametrize(
    "url",
    [
        "http://opik:5173",
        "http://opik:5173/",
        "http://opik:5173/api",
        "http://opik:5173/api/v1/private/otel",
        "http://opik:5173/api/v1/private/otel/v1/traces",
    ],
)
def test_opik_is_found_from_any_of_its_addresses(url: str) -> None:
    found = opik(url, "", "", "p")
    assert found
    assert (found.url, found.headers) == ("http://opik:5173/api/v1/private/otel/v1/traces", {"projectName": "p"})


def test_the_settings_choose_where_spans_go() -> None:
    assert make_tracer(load({})) is None
    assert collector("", "") is None
    assert collector("http://c:4318/", "") == Collector("http://c:4318/v1/traces")
    assert collector("http://c:4318", "http://c/t") == Collector("http://c/t")
    assert opik("", "", "w", "p") is None
    found = opik("", "key", "w", "p")
    assert found
    assert (found.url, found.headers["Authorization"], "key" in repr(found)) == (CLOUD, "key", False)
    for given in (
        {"OPIK_API_KEY": "k"},
        {"OPIK_URL": "http://o"},
        {"OPIK_URL_OVERRIDE": "http://o"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"},
    ):
        assert make_tracer(load(given)) is not None


def test_spans_go_to_every_collector_under_the_name_that_is_set(
    receiver: OtlpCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "answers")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    other = OtlpCollector()
    tracer = tracer_to(receiver, other)
    root = tracer.begin("GET", {})
    root.child("embed").end()
    root.end()
    tracer.close()
    for one in (receiver, other):
        assert [span.name for span in one.spans] == ["embed", "GET"]
        assert one.resources[0]["service.name"] == "answers"
        assert one.resources[0]["service.version"] == "1.0"
        assert one.resources[0]["deployment.environment.name"] == "test"
    other.close()


@pytest.mark.parametrize("header", ["", "00-0-0-01", "x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_parent_that_cannot_be_read_is_none(receiver: OtlpCollector, header: str) -> None:
    tracer = tracer_to(receiver)
    tracer.begin("GET", {"traceparent": header}).end()
    tracer.close()
    assert [span.parent for span in receiver.spans] == [""]


def test_an_unsampled_parent_is_not_recorded(receiver: OtlpCollector) -> None:
    tracer = tracer_to(receiver)
    tracer.begin("GET", {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}).end()
    tracer.close()
    assert receiver.spans == []


def test_spans_that_nobody_takes_are_dropped(receiver: OtlpCollector) -> None:
    receiver.hangs = True
    tracer = tracer_to(receiver)
    root = tracer.begin("GET", {})
    begun = time.monotonic()
    for _ in range(5_000):
        root.child("step").end()
    tracer.flush(0.2)
    assert time.monotonic() - begun < HANG_SECONDS / 2
    receiver.hangs = False
    receiver.released.set()
    tracer.close()
    assert 500 < len(receiver.spans) < 4_000


@pytest.mark.anyio
@pytest.mark.parametrize("state", ["takes", "refuses", "hangs", "gone"])
async def test_health_says_whether_spans_are_taken(
    receiver: OtlpCollector, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if state in ("hangs", "gone"):
        monkeypatch.setattr("service.adapters.traces.otlp._CHECK_SECONDS", 1.0)
    receiver.status, receiver.hangs = (401 if state == "refuses" else 200), state == "hangs"
    if state == "gone":
        receiver.close()
    begun = time.monotonic()
    health = await OtlpTracer([Collector(receiver.url + receiver.path)], "1.0").check()
    assert time.monotonic() - begun < HANG_SECONDS / 2
    assert (health.component, health.status is HealthStatus.SERVING) == ("traces", state == "takes")
    assert ("OTEL_EXPORTER_OTLP_ENDPOINT" in health.detail) == (state != "takes")
    assert receiver.spans == []
    receiver.released.set()


def test_without_a_setting_nothing_of_it_is_loaded() -> None:
    script = (
        "import sys, lambda_handler\n"
        "from service.app import assemble\n"
        "from service.settings import load\n"
        "assert assemble(load({'RAGSQL_DATA_DIR': '/nonexistent'})).tracer is None\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
