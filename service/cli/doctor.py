"""`ragsql doctor`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from service.cli.output import AsJson, ExitCode, console, error_console, print_json

if TYPE_CHECKING:
    from service.cli.doctor_finding import Finding


def doctor(as_json: AsJson = False) -> None:
    """Try everything that the settings name, and say what to put right.

    Settings, storage, models, every backend (a probe is written, read and
    deleted), clocks and limits of servers, and whether the role of the
    database can only read. Exits with 1 when something that is needed fails.
    """
    with error_console().status("Asking every backend…"):
        findings = asyncio.run(_run())
    if as_json:
        print_json([_as_dict(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.advice and finding.required for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


async def _run() -> list[Finding]:
    from service.cli.doctor_checks import examine
    from service.cli.doctor_finding import Finding
    from service.errors import SettingsError
    from service.settings import load

    found: list[Finding] = []
    try:
        async for finding in examine(load()):
            found.append(finding)
    except SettingsError as error:
        for name, problem in error.problems.items():
            found.append(Finding("settings", f"{name}: {problem}", f"Change or unset {name}."))
    return found


def _show(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "part", "found", "what to do", "ms")
    for one in findings:
        mark, style = ("ok", "green") if one.ok else ("!!", "red") if one.required else ("!", "yellow")
        taken = f"{one.seconds * 1e3:.0f}" if one.seconds else ""
        table.add_row(Text(mark, style), Text(one.part), Text(one.found), Text(one.advice), taken)
    out = console()
    out.print(table)
    for statement in (statement for one in findings for statement in one.sql):
        out.print(f"  {statement}", markup=False)
    problems = [one for one in findings if not one.ok]
    needed = sum(one.required for one in problems)
    out.print(f"{len(problems)} to put right, {needed} of them needed." if problems else "All is well.")


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "part": finding.part,
        "ok": finding.ok,
        "required": finding.required,
        "found": finding.found,
        "advice": finding.advice,
        "sql": list(finding.sql),
        "milliseconds": round(finding.seconds * 1e3),
    }
