"""What every command shares: exit codes, options, and where output goes."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console


class ExitCode(IntEnum):
    """What scripts may rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_ANSWER = 3
    UNREACHABLE = 4
    SQL_PENDING = 5
    INTERRUPTED = 130


Url = Annotated[
    str, typer.Option("--url", envvar="RAGSQL_URL", help="The server.", show_default="http://127.0.0.1:8080")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.", show_default=False)]
DEFAULT_URL = "http://127.0.0.1:8080"


def console() -> Console:
    """Standard output for people."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def error_console() -> Console:
    """Standard error for people: progress and complaints."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def complain(sentence: str) -> None:
    """Say on standard error what went wrong."""
    error_console().print(sentence, style="red", markup=False)


def as_dict(message: Message) -> dict[str, Any]:
    """A message in the contract's JSON."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, always_print_fields_with_no_presence=True)


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
