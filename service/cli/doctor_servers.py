"""The clocks and the limits of the servers that the settings name, for `ragsql doctor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service.cli.doctor_finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.settings import Settings

_MOST_SKEW_SECONDS = 60.0
_MOST_CONNECTIONS_SHARE = 0.8


def http_servers(settings: Settings) -> dict[str, str]:
    """Servers that sign or check times, by name; "s3" has its address from the AWS settings."""
    from service.adapters.servers import OPENAI_URL, PINECONE_URL

    found: dict[str, str] = {}
    if "openai" in (settings.chat, settings.embedder):
        found["openai"] = settings.openai_base_url or OPENAI_URL
    if settings.vectors == "pinecone":
        found["pinecone"] = os.environ.get("PINECONE_CONTROLLER_HOST", PINECONE_URL)
    if settings.blobs == "s3":
        found["s3"] = ""
    return found


def postgres_servers(settings: Settings) -> dict[str, str]:
    """Every PostgreSQL server that is named, by the setting."""
    named = {"DATABASE_URL": settings.database_url}
    if settings.records == "postgresql":
        named["RAGSQL_RECORDS_URL"] = settings.records_url
    if settings.vectors == "pgvector":
        named["RAGSQL_VECTORS_URL"] = settings.vectors_url
    return {name: url for name, url in named.items() if url.startswith("postgres")}


def connections_to(url: str, named: Mapping[str, str], settings: Settings) -> int:
    """How many connections a process may open to the server of url, of all those named."""
    place = urlsplit(url)
    same = [one for one in map(urlsplit, named.values()) if (one.hostname, one.port) == (place.hostname, place.port)]
    return settings.postgres_connections * len(same)


async def clock(name: str, url: str) -> Finding:
    """Whether the clock of an HTTP server and that of this machine agree."""
    from service.adapters.servers import http_skew, s3_url

    return _clock(name, await http_skew(url or await s3_url()))


async def postgres(name: str, url: str, own: int) -> Finding:
    """Whether the clocks agree, and whether the server has connections left for a process that opens own."""
    from service.adapters.servers import postgres_state

    state = await postgres_state(url, name)
    used = f"{state.connections} of {state.most_connections} connections are open; a process may open {own}"
    if own > state.most_connections - state.of_others:
        advice = "Set RAGSQL_POSTGRES_CONNECTIONS lower, raise max_connections there, or close what others hold."
        return Finding(name, f"{used}, which are not there.", advice)
    if state.connections > _MOST_CONNECTIONS_SHARE * state.most_connections:
        advice = "Raise max_connections there, put a session pooler before it, or close what holds them."
        return Finding(name, f"{used}.", advice)
    finding = _clock(name, state.skew_seconds)
    return Finding(name, f"{used}. {finding.found}", finding.advice)


def _clock(name: str, skew: float) -> Finding:
    if abs(skew) < _MOST_SKEW_SECONDS:
        return Finding(name, f"Its clock and this machine's agree within {max(1, round(abs(skew)))} s.")
    ahead = "behind" if skew > 0 else "ahead of"
    found = f"The clock of this machine is {abs(skew):.0f} s {ahead} the server's."
    return Finding(name, found, "Set the clock of this machine: signatures and expiry times depend on it.")
