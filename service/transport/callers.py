"""Who is asking, as far as the request says."""

from __future__ import annotations

from typing import Any

from connectrpc.request import RequestContext
from starlette.types import Scope

from service.domain.caller import DEFAULT_CALLER, Caller


def caller_of(ctx: RequestContext[Any, Any]) -> Caller:
    """The Caller of a request. This file alone decides; every request is the default caller's."""
    return DEFAULT_CALLER


def caller_of_scope(scope: Scope) -> Caller:
    """The same Caller, of a request that is not read as an RPC."""
    return DEFAULT_CALLER
