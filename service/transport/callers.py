"""Who is asking, as far as the request says."""

from __future__ import annotations

from typing import Any

from connectrpc.request import RequestContext

from service.domain.caller import DEFAULT_CALLER, Caller


def caller_of(ctx: RequestContext[Any, Any]) -> Caller:
    """The Caller of a request. The one place that decides; every request is the default caller's."""
    return DEFAULT_CALLER
