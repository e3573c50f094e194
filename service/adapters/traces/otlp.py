"""Spans sent over OTLP/HTTP: to a collector, or to whatever else speaks it, as Opik does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from service.adapters.traces.collectors import Collector
from service.domain.health import ComponentHealth, HealthStatus
from service.ports.traces import Attributes, Span

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Tracer as SdkTracer

_NAMES = {
    "service": "rpc.service",
    "method": "rpc.method",
    "model": "gen_ai.request.model",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "question": "input.value",
}
"""The names of the conventions of OpenTelemetry; all others get the prefix ragsql."""
_OPERATIONS = {"chat": "chat", "embed": "embeddings"}
_CLOSE_SECONDS = 3.0
_CHECK_SECONDS = 1.5
log = logging.getLogger("ragsql")


class OtlpTracer:
    """A Tracer that sends to each of these collectors.

    Spans wait in memory, 2,048 at most, and are sent every five seconds; those that find no room or no collector are
    dropped. attributes describe the service. sampler is the name of one of OpenTelemetry's and its argument. The
    standard variables OTEL_* hold where these say nothing, and set the batches and more. The SDK is loaded by the first
    span.
    """

    def __init__(
        self,
        collectors: Sequence[Collector],
        version: str,
        *,
        keeps_questions: bool = False,
        attributes: Mapping[str, str] | None = None,
        sampler: tuple[str, str] = ("", ""),
    ) -> None:
        self._collectors = collectors
        self._version = version
        self._attributes = attributes or {}
        self._sampler = sampler
        self._keeps_questions = keeps_questions
        self._making = threading.Lock()
        self._made: tuple[TracerProvider, SdkTracer] | None = None

    def begin(self, name: str, headers: Mapping[str, str]) -> Span:
        """See Tracer."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(headers)
        return _OtlpSpan(self._tracer(), name, parent, server=True, keeps_questions=self._keeps_questions)

    def flush(self, seconds: float) -> None:
        """See Tracer."""
        if self._made:
            _within(seconds, self._made[0].force_flush)

    def close(self) -> None:
        """See Tracer."""
        if self._made:
            provider, _ = self._made
            _within(_CLOSE_SECONDS, provider.shutdown)

    async def check(self) -> ComponentHealth:
        """See Checkable. Every collector is sent no span at all, which it takes or refuses like any."""
        taken = await asyncio.gather(*(asyncio.to_thread(_takes, collector) for collector in self._collectors))
        problems = [one.refusal for one, takes in zip(self._collectors, taken, strict=True) if not takes]
        status = HealthStatus.NOT_SERVING if problems else HealthStatus.SERVING
        return ComponentHealth("traces", "otlp", status, " ".join(problems))

    def _tracer(self) -> SdkTracer:
        with self._making:
            if self._made is None:
                provider = self._provider()
                self._made = (provider, provider.get_tracer("ragsql", self._version))
            return self._made[1]

    def _provider(self) -> TracerProvider:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        defaults = {"service.name": "ragsql", "service.version": self._version}
        named = Resource.create({})
        unnamed = str(named.attributes.get("service.name", "")).startswith("unknown_service")
        resource = named.merge(Resource(defaults)) if unnamed else Resource(defaults).merge(named)
        resource = resource.merge(Resource(dict(self._attributes)))
        provider = TracerProvider(_sampler(*self._sampler), resource, shutdown_on_exit=False)
        for collector in self._collectors:
            exporter = OTLPSpanExporter(collector.url, headers=dict(collector.headers) or None)
            provider.add_span_processor(BatchSpanProcessor(exporter))
        return provider


def _sampler(name: str, argument: str) -> Sampler | None:
    """OpenTelemetry's sampler of this name; None, for what the variables say, if it has none."""
    from opentelemetry.sdk.trace import sampling

    try:
        share = min(1.0, max(0.0, float(argument)))
    except ValueError:
        share = 1.0
    kinds: dict[str, Sampler] = {
        "always_on": sampling.ALWAYS_ON,
        "always_off": sampling.ALWAYS_OFF,
        "traceidratio": sampling.TraceIdRatioBased(share),
    }
    kind = kinds.get(name.lower().removeprefix("parentbased_"))
    return sampling.ParentBased(kind) if kind and name.lower().startswith("parentbased_") else kind


class _OtlpSpan:
    """A Span of the SDK."""

    __slots__ = ("_keeps_questions", "_span", "_tracer")

    def __init__(
        self, tracer: SdkTracer, name: str, parent: Context, *, keeps_questions: bool, server: bool = False
    ) -> None:
        from opentelemetry.trace import SpanKind

        kind = SpanKind.SERVER if server else SpanKind.INTERNAL
        self._tracer = tracer
        self._keeps_questions = keeps_questions
        self._span = tracer.start_span(name, parent, kind)
        if name in _OPERATIONS:
            self._span.set_attribute("gen_ai.operation.name", _OPERATIONS[name])

    def set(self, **attributes: Unpack[Attributes]) -> None:
        for name, value in cast("dict[str, Any]", attributes).items():
            if name != "question" or self._keeps_questions:
                self._span.set_attribute(_NAMES.get(name, f"ragsql.{name}"), value)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, reason: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, reason))
        self._span.set_attribute("error.type", reason)

    def child(self, name: str) -> Span:
        from opentelemetry.trace import set_span_in_context

        return _OtlpSpan(self._tracer, name, set_span_in_context(self._span), keeps_questions=self._keeps_questions)

    def end(self) -> None:
        self._span.end()


def _takes(collector: Collector) -> bool:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter = OTLPSpanExporter(collector.url, headers=dict(collector.headers) or None, timeout=_CHECK_SECONDS)
    try:
        return exporter.export(()) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()


def _within(seconds: float, work: Any) -> None:
    """Have work done in a thread that nobody waits for any longer."""
    thread = threading.Thread(target=work, name="otlp-flush", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        log.warning(
            "Spans could not be sent within %.0f seconds. Check OTEL_EXPORTER_OTLP_ENDPOINT or OPIK_URL.", seconds
        )
