"""What the service is made of and what each part is for: for Health and for `ragsql doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service import backends
from service.deferred import deferred
from service.usecases.check_health import FRESH_SECONDS, REMOTE_FRESH_SECONDS, Capability, Component

if TYPE_CHECKING:
    from service.app import Ports
    from service.ports.traces import Tracer
    from service.settings import Settings

_BILLED = ("openai", "pinecone", "s3")


def components_of(ports: Ports, settings: Settings, tracer: Tracer | None) -> dict[str, Component]:
    """Every adapter that can be checked, by the name of its port."""
    chosen = {
        "embedder": (ports.embedder, settings.embedder),
        "vectors": (ports.vectors, settings.vectors),
        "records": (deferred(lambda: backends.make_records_check(settings, ports.records)), settings.records),
        "blobs": (ports.blobs, settings.blobs),
        "reader": (ports.reader, ""),
        "chat": (ports.chat, settings.chat),
        "cache": (ports.cache, settings.cache),
    }
    found = {
        name: Component(adapter, REMOTE_FRESH_SECONDS if backend in _BILLED else FRESH_SECONDS)
        for name, (adapter, backend) in chosen.items()
    }
    optional = {"database": ports.database, "traces": tracer}
    return found | {name: Component(part, FRESH_SECONDS) for name, part in optional.items() if part}


def capabilities_of(ports: Ports) -> dict[str, Capability]:
    """What the service does. Questions about documents come first: without them it does not serve."""
    found = {
        "documents": Capability(("embedder", "vectors", "records"), ("reader", "chat", "cache")),
        "uploads": Capability(("embedder", "vectors", "records", "blobs")),
    }
    if ports.database:
        found["sql"] = Capability(("database", "chat", "records"), ("embedder", "cache"))
    return found
