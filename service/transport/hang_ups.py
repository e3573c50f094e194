"""Work that ends when the client hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


async def unless_hung_up(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """What work returns. Raises ConnectError with CANCELED, once work is stopped, when the client hangs up before.

    The body of the request must have been read.
    """
    working = asyncio.ensure_future(work)
    listening = asyncio.ensure_future(_hung_up(receive))
    try:
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        from connectrpc.code import Code
        from connectrpc.errors import ConnectError

        raise ConnectError(Code.CANCELED, "The client hung up.")
    finally:
        working.cancel()
        listening.cancel()
        await asyncio.wait((working, listening))


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
