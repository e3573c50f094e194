"""Who is asking, as far as the request says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from service.domain.caller import DEFAULT_CALLER, Caller

if TYPE_CHECKING:
    from collections.abc import Mapping


class Method(Protocol):
    """A method of the contract. service_name is full, as "ragsql.v1.HealthService"."""

    @property
    def name(self) -> str: ...
    @property
    def service_name(self) -> str: ...


class Context(Protocol):
    """What is known of a request beside its message, however it came."""

    @property
    def method(self) -> Method: ...
    @property
    def request_headers(self) -> Mapping[str, str]: ...


def caller_of(ctx: Context) -> Caller:
    """The Caller of a request. The one place that decides; every request is the default caller's."""
    return DEFAULT_CALLER
