"""`ragsql serve`."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, ExitCode, complain, console

if TYPE_CHECKING:
    from uvicorn import Server

    from service.settings import Settings

SHUTDOWN_SECONDS = 10
SWITCH_SECONDS = 0.001
"""So long a thread may go on before the event loop gets its turn."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="RAGSQL_HOST")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port, 0 for any free one.", min=0, max=65535, show_default="RAGSQL_PORT")
    ] = None,
    http2: Annotated[bool, typer.Option("--http2", help="Also speak HTTP/2, for gRPC and reflection.")] = False,
) -> None:
    """Serve until interrupted. Settings come from the environment, see the README."""
    from service.settings import load

    settings = load()
    listener = _listen(host or settings.host, settings.port if port is None else port)
    sys.setswitchinterval(SWITCH_SECONDS)
    _log_audit()
    _server(settings, listener, http2).run(sockets=[listener])


def _log_audit() -> None:
    """What happens to SQL statements is told on standard error, one line of JSON an event."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    audit = logging.getLogger("ragsql.audit")
    audit.addHandler(handler)
    audit.setLevel(logging.INFO)
    audit.propagate = False


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        complain(f"Cannot listen on {host} port {port}: {reason}. Choose another with --host and --port.")
        raise typer.Exit(ExitCode.FAILED) from None


def _server(settings: Settings, listener: socket.socket, http2: bool) -> Server:
    import uvicorn

    from service.app import build_app

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _announce(listener, settings.sample_data)

    config = uvicorn.Config(
        build_app(settings, reflection=http2),
        http="zttp" if http2 else "httptools",
        http2=http2,
        loop="uvloop",
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return Announcing(config)


def _announce(listener: socket.socket, sample_data: bool) -> None:
    bound, port = listener.getsockname()[:2]
    host = "127.0.0.1" if bound == "0.0.0.0" else "::1" if bound == "::" else str(bound)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    out = console()
    out.print(f"ragsql listens on {url}. Stop it with Ctrl+C. From another terminal:\n", markup=False)
    for line in _suggestions(url, sample_data):
        out.print(f"  {line}", markup=False)
    out.file.flush()


def _suggestions(url: str, sample_data: bool) -> Sequence[str]:
    from service.samples import QUESTIONS

    option = "" if url == DEFAULT_URL else f"--url {url} "
    if not sample_data:
        return [f"{_command()} upload {option}document.pdf", f'{_command()} ask {option}"What is it about?"']
    return [f'{_command()} ask {option}"{question}"' for question in QUESTIONS]


def _command() -> str:
    """How this program is called from the folder where it was started."""
    program = Path(sys.argv[0]).resolve()
    found = shutil.which("ragsql")
    if found and Path(found).resolve() == program:
        return "ragsql"
    here = Path.cwd()
    return str(program.relative_to(here)) if program.is_relative_to(here) else str(program)
