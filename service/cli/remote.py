"""A connection to the server for the length of a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import typer

from service.cli.output import ExitCode, complain, print_json

if TYPE_CHECKING:
    from ragsql_client import Client, RagsqlError

T = TypeVar("T")


class PageRequest(Protocol):
    """A request for one page of a listing."""

    page_token: str


class Page(Protocol):
    """One page of a listing; the token is empty on the last."""

    @property
    def next_page_token(self) -> str: ...


AnyRequest = TypeVar("AnyRequest", bound=PageRequest)
AnyPage = TypeVar("AnyPage", bound=Page)


@contextmanager
def connected(url: str, as_json: bool) -> Generator[Client]:
    """A client whose errors end the command with a sentence and an exit code."""
    from ragsql_client import Client, RagsqlError

    try:
        client = Client(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    with client:
        try:
            yield client
        except RagsqlError as error:
            said = _sentence(error, url)
            complain(said)
            if as_json:
                print_json({"error": {**error_as_dict(error), "message": said}})
            raise typer.Exit(ExitCode.UNREACHABLE if error.is_unreachable else ExitCode.FAILED) from None


def every_page(ask: Callable[[AnyRequest], AnyPage], request: AnyRequest) -> Iterator[AnyPage]:
    """The pages of a listing from the one that request asks for. Raises RagsqlError."""
    while True:
        page = ask(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def interruptible(work: Callable[[], T]) -> T:
    """What work returns or raises, while Ctrl+C ends the process and with it the connection, so that the server stops.

    The thread that waits for the network hears no signal.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return future.result()
    except KeyboardInterrupt:
        complain("Interrupted. The server stops working on it.")
        sys.stdout.flush()
        # The HTTP library aborts the process when the interpreter ends while one of its calls is under way.
        os._exit(ExitCode.INTERRUPTED)


def _sentence(error: RagsqlError, url: str) -> str:
    """What a person reads."""
    if error.is_unreachable:
        return f"No ragsql server answers at {url}. Start one with `ragsql serve`, or name another with --url."
    return error.message


def error_as_dict(error: RagsqlError) -> dict[str, Any]:
    """What a machine reads."""
    return {
        "code": error.code.value,
        "reason": error.reason,
        "message": error.message,
        "fieldViolations": [{"field": v.field, "description": v.description} for v in error.field_violations],
    }
