"""AWS Lambda: the same application behind a Function URL, and the ingest of files that S3 tells of.

Built while the environment starts, before any event; what connects does so on its first use, and again when Lambda
froze the environment for so long that a connection died.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

# A sixth of what a cold start computes is looking for garbage among modules, which stay. Entry turns it on again.
gc.disable()

from service.serverless.entry import Entry  # noqa: E402
from service.settings import load  # noqa: E402

if TYPE_CHECKING:
    from mangum.types import LambdaContext

_entry = Entry(load())


def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """See Entry."""
    return _entry(event, context)
