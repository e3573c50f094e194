"""A connection to the server for the length of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from service.cli.output import ExitCode, complain, print_json

if TYPE_CHECKING:
    from ragsql_client import AsyncClient, Client, RagsqlError

T = TypeVar("T")


@contextmanager
def connected(url: str, as_json: bool) -> Generator[Client]:
    """A client whose errors end the command with a sentence and an exit code."""
    from ragsql_client import Client

    with _told(url, as_json), _made(Client, url) as client:
        yield client


def interruptible(url: str, as_json: bool, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    """What work returns. Errors end the command like those of connected, and Ctrl+C hangs up at once."""
    from ragsql_client import AsyncClient

    async def run() -> T:
        async with _made(AsyncClient, url) as client:
            return await work(client)

    try:
        with _told(url, as_json):
            return asyncio.run(run())
    except KeyboardInterrupt:
        complain("Interrupted. The server stops working on it.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _made(kind: Callable[[str], T], url: str) -> T:
    try:
        return kind(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None


@contextmanager
def _told(url: str, as_json: bool) -> Generator[None]:
    from ragsql_client import RagsqlError

    try:
        yield
    except RagsqlError as error:
        said = _sentence(error, url)
        complain(said)
        if as_json:
            print_json({"error": {**error_as_dict(error), "message": said}})
        raise typer.Exit(ExitCode.UNREACHABLE if error.is_unreachable else ExitCode.FAILED) from None


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
