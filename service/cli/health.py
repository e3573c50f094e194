"""`ragsql health`."""

from __future__ import annotations

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, as_dict, console, print_json
from service.cli.remote import connected


def health(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show how the server and its parts are. Exits with 1 when it does not serve."""
    from rich.table import Table

    from ragsql.v1.health_service_pb2 import HealthStatus

    with connected(url, as_json) as client:
        response = client.health()
    if as_json:
        print_json(as_dict(response))
    else:
        table = Table("part", "adapter", "status", "needed", "detail", title=f"ragsql {response.version} at {url}")
        for part in response.components:
            status = _word(HealthStatus.Name(part.status))
            table.add_row(part.component, part.adapter, status, "yes" if part.required else "no", part.detail)
        console().print(table)
        for one in response.capabilities:
            reason = f" ({', '.join(one.failing)})" if one.failing else ""
            console().print(f"{one.capability}: {_word(HealthStatus.Name(one.status))}{reason}", markup=False)
        console().print(f"Overall: {_word(HealthStatus.Name(response.status))}")
    if response.status == HealthStatus.HEALTH_STATUS_NOT_SERVING:
        raise typer.Exit(ExitCode.FAILED)


def _word(name: str) -> str:
    return name.removeprefix("HEALTH_STATUS_").lower().replace("_", " ")
