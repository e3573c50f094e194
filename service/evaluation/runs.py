"""Runs of suites as files: one JSON each, found again to compare with."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service import __version__
from service.evaluation.compare import SuiteChange, compare
from service.evaluation.reports import Confidence, Measure, Outcome, Report

FORMAT = "ragsql-evaluation-1"


@dataclass(frozen=True, slots=True)
class Run:
    """Suites that ran together. ended is an ISO time in UTC, asked names the server or the data."""

    name: str
    ended: str
    asked: str
    machine: str
    version: str
    reports: tuple[Report, ...]


def run_of(name: str, asked: str, reports: Sequence[Report]) -> Run:
    """A run that ends now, on this machine."""
    ended = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Run(name, ended, asked, this_machine(), __version__, tuple(reports))


def this_machine() -> str:
    """What times depend on: processor, cores and system. No name that would tell whose machine it is."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")


def save(run: Run, folder: Path) -> Path:
    """A JSON file of the run's own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}-{run.name}.json"
    path.write_text(json.dumps({"format": FORMAT, **asdict(run)}, indent=1, ensure_ascii=False))
    return path


def load(path: Path) -> Run | None:
    """What save wrote; None for any other file."""
    try:
        content = json.loads(path.read_text())
        if content.pop("format") != FORMAT:
            return None
        return Run(**content | {"reports": tuple(map(_report, content["reports"]))})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def changes(run: Run, folder: Path) -> list[SuiteChange]:
    """Each suite against its last run by the same models on the same machine, over the same data where there is one."""
    earlier = list(_earlier(run, folder))
    found: list[SuiteChange] = []
    for now in run.reports:
        same = [(since, report) for since, report in earlier if _is_same(report, now)]
        since, before = next((item for item in same if item[1].data == now.data), same[0] if same else (None, None))
        if since and before:
            change = compare(before, now, since)
            found += [change] if change.common or change.measures else []
    return found


def _earlier(run: Run, folder: Path) -> Iterator[tuple[str, Report]]:
    for path in sorted(folder.glob("*.json"), reverse=True):
        other = load(path)
        if other and other.machine == run.machine:
            yield from ((other.ended, report) for report in other.reports)


def _is_same(before: Report, now: Report) -> bool:
    return before.suite == now.suite and before.used_models == now.used_models


def _report(values: Mapping[str, Any]) -> Report:
    return Report(
        values["suite"],
        [Measure(**measure) for measure in values["measures"]],
        values["cases"],
        [_outcome(outcome) for outcome in values["outcomes"]],
        values["data"],
        tuple(values["models"]),
    )


def _outcome(values: Mapping[str, Any]) -> Outcome:
    told: dict[str, Any] = {name: tuple(values[name]) for name in ("citations", "models", "unpriced")}
    told["confidences"] = tuple(Confidence(**item) for item in values["confidences"])
    return Outcome(**dict[str, Any](values) | told)
