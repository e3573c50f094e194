"""Where spans are sent to: the addresses and headers of OTLP collectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_TRACES = "/v1/traces"
_OPIK = "https://www.comet.com/opik/api"
_OPIK_PATH = "/v1/private/otel"


@dataclass(frozen=True, slots=True)
class Collector:
    """The URL that spans are POSTed to, with these headers.

    settings are those that choose it, for a person.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    settings: str = "OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS"

    @property
    def refusal(self) -> str:
        """That it takes no spans, as a sentence."""
        return f"{urlsplit(self.url).hostname} takes no traces. Check {self.settings}."


def collector(endpoint: str, traces_endpoint: str, headers: str = "") -> Collector | None:
    """Any that speaks OTLP over HTTP, at its own address for traces or below its common one. headers are pairs."""
    if traces_endpoint:
        return Collector(traces_endpoint, pairs(headers))
    return Collector(endpoint.rstrip("/") + _TRACES, pairs(headers)) if endpoint else None


def opik(url: str, api_key: str, workspace: str, project: str) -> Collector | None:
    """Opik, Comet's or one's own. url may be that of its page, its API or its OTLP endpoint."""
    if not url and not api_key:
        return None
    base = (url or _OPIK).rstrip("/").removesuffix(_TRACES).removesuffix(_OPIK_PATH).removesuffix("/api")
    headers = {"Authorization": api_key, "Comet-Workspace": workspace, "projectName": project}
    sent = {name: value for name, value in headers.items() if value}
    return Collector(f"{base}/api{_OPIK_PATH}{_TRACES}", sent, "OPIK_URL, OPIK_API_KEY and OPIK_WORKSPACE")


def pairs(text: str) -> dict[str, str]:
    """What `name=value,name=value` says, as the variables OTEL_* write it. What is no pair is left out."""
    found = (pair.partition("=") for pair in text.split(","))
    return {unquote(name).strip(): unquote(value).strip() for name, equals, value in found if equals and name.strip()}
