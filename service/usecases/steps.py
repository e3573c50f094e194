"""Spans for the steps of a request. Where nothing is traced they cost next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from service.errors import RagsqlError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from service.ports.traces import Attributes, Span

P = ParamSpec("P")
T = TypeVar("T")


class _Nothing:
    """The span of a request that is not traced."""

    def set(self, **attributes: Unpack[Attributes]) -> None: ...
    def rename(self, name: str) -> None: ...
    def fail(self, reason: str) -> None: ...
    def child(self, name: str) -> Span:
        return self

    def end(self) -> None: ...


NOTHING: Span = _Nothing()
_current: ContextVar[Span] = ContextVar("span", default=NOTHING)


def current() -> Span:
    """The span that is under way."""
    return _current.get()


@contextmanager
def entered(span: Span) -> Generator[Span]:
    """Have span be the one under way in this block, and end with it. A generator must not yield inside of it."""
    token = _current.set(span)
    try:
        yield span
    except BaseException as error:
        span.fail(reason_of(error))
        raise
    finally:
        _current.reset(token)
        span.end()


@contextmanager
def step(name: str) -> Generator[Span]:
    """A step of what is under way, for this block. A generator must not yield inside of it."""
    parent = _current.get()
    if parent is NOTHING:
        yield NOTHING
        return
    with entered(parent.child(name)) as span:
        yield span


def traced(
    name: str, told: Callable[[Any], Attributes] = lambda _: {}
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Have each call of a coroutine function be a step, with what told says of its result."""

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @wraps(function)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            if _current.get() is NOTHING:
                return await function(*args, **kwargs)
            with step(name) as span:
                result = await function(*args, **kwargs)
                span.set(**told(result))
                return result

        return run

    return decorate


def reason_of(error: BaseException) -> str:
    """Why something failed, without a word of what it was about."""
    if isinstance(error, RagsqlError):
        return error.reason
    return "CANCELED" if isinstance(error, asyncio.CancelledError | GeneratorExit) else type(error).__name__
