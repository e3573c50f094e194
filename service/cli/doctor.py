"""`ragsql doctor`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from service.cli.output import AsJson, ExitCode, console, print_json

if TYPE_CHECKING:
    from service.cli.doctor_checks import Finding


def doctor(as_json: AsJson = False) -> None:
    """Check settings, storage, models and the database, and that its role cannot write. Exits with 1 on a problem."""
    findings = asyncio.run(_run(as_json))
    problems = sum(bool(finding.advice) for finding in findings)
    if as_json:
        print_json([_as_dict(finding) for finding in findings])
    else:
        console().print(f"{problems} to put right." if problems else "All is well.")
    if problems:
        raise typer.Exit(ExitCode.FAILED)


async def _run(as_json: bool) -> list[Finding]:
    from service.cli.doctor_checks import Finding, examine
    from service.errors import SettingsError
    from service.settings import load

    found: list[Finding] = []
    try:
        async for finding in examine(load()):
            found.append(finding)
            if not as_json:
                _show(finding)
    except SettingsError as error:
        for name, problem in error.problems.items():
            found.append(Finding("settings", f"{name}: {problem}", f"Change or unset {name}."))
            if not as_json:
                _show(found[-1])
    return found


def _show(finding: Finding) -> None:
    out = console()
    mark, style = ("!!", "red") if finding.advice else ("ok", "green")
    out.print(mark, style=style, end=" ")
    out.print(f"{finding.part}: {finding.found}", markup=False)
    if finding.advice:
        out.print(f"   {finding.advice}", markup=False)
    for statement in finding.sql:
        out.print(f"     {statement}", markup=False)


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "part": finding.part,
        "ok": not finding.advice,
        "found": finding.found,
        "advice": finding.advice,
        "sql": list(finding.sql),
    }
