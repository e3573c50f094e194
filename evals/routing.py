"""`python -m evals.routing [DATA]`: how often the route is right, and whether its confidence means what it says."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evals import routing_held_out, tatqa
from evals.measures import Confidence, Measure, Outcome, Report, finish, share
from evals.routing_sources import SAMPLE, Asked, domain_sources, evidence_for, read_questions
from service.app import Assembly
from service.domain.questions import Route
from service.domain.routing import SourceEvidence, choose
from service.evaluation.hashing import hash_of
from service.evaluation.statistics import calibration

OTHER = "vet_clinic"
"""Sources that the questions over no corpus have nothing to do with."""
HELD_OUT = "held out"
LEAST_MUSICSTORE, LEAST_UNSEEN, MOST_ERROR = 26 / 30, 20 / 24, 0.10
SMALL_BINS = 5
"""Ten bins of a few questions each mostly measure their number: of 30 with these confidences, a router that is exactly
as often right as it is sure shows an error of .11 on average."""


def main() -> None:
    """Show the figures; exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="evals.routing", description="Score the router.")
    parser.add_argument(
        "data", type=Path, nargs="?", help="folder of full data sets; without it only the held-out domains are asked"
    )
    raise SystemExit(finish([run(parser.parse_args().data)], "routing"))


def run(data: Path | None) -> Report:
    """Questions of held-out domains; with data the music store's, those over no corpus, and TAT-QA's too.

    Questions over no corpus are asked with no sources and with others'. Of held-out domains only totals are told.
    """
    return asyncio.run(_run(data))


async def _run(data: Path | None) -> Report:
    found = await _of_data(data) if data else {}
    least = {"music store": LEAST_MUSICSTORE, "no sources": LEAST_UNSEEN}
    held_out = await _held_out()
    every = {**found, HELD_OUT: held_out}
    measures = [measure for name, cases in every.items() for measure in _measures(name, cases, least.get(name))]
    for domain in routing_held_out.domains():
        own = [case["right"] for case in held_out if case["group"] == domain]
        measures.append(share(f"{HELD_OUT}, {domain}, routed right", own))
    curves = [{"id": f"calibration, {name}", "bins": _curve(cases)} for name, cases in every.items()]
    outcomes = [_outcome(name, number, case) for name, cases in found.items() for number, case in enumerate(cases)]
    asked = [case["question"].encode() for cases in every.values() for case in cases]
    return Report("routing", measures, curves, outcomes, hash_of(*asked))


async def _held_out() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for domain in routing_held_out.domains():
        async with routing_held_out.held_out_sources(domain) as assembly:
            cases += await _routed(assembly, routing_held_out.asked(domain))
    return cases


async def _of_data(data: Path) -> dict[str, list[dict[str, Any]]]:
    store = read_questions(data / "musicstore" / "questions_dev.jsonl", "musicstore")
    unseen = read_questions(data / "routing" / "dev.jsonl", "no sources")
    async with domain_sources(SAMPLE) as sample, domain_sources(OTHER) as other:
        found = {
            "music store": await _routed(sample, store),
            "no sources": [_case(question, SourceEvidence()) for question in unseen],
            "the music store's sources": await _routed(sample, unseen),
            "other sources": await _routed(other, unseen),
        }
    return {**found, "TAT-QA": await _tatqa(data / "tatqa")}


def _outcome(name: str, number: int, case: dict[str, Any]) -> Outcome:
    right: bool = case["right"]
    return Outcome(
        id=f"{name} {number}",
        question=case["question"],
        right=right,
        category=name,
        problem="" if right else "another route",
        expected=case["expected"],
        got=f"{case['got']}: {case['reason']}",
        confidences=(Confidence("routing", case["confidence"], right),),
    )


async def _tatqa(folder: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for report in tatqa.reports(folder)[: tatqa.ASKED]:
        async with tatqa.report_sources(report) as assembly:
            cases += await _routed(assembly, tatqa.asked(report))
    return cases


async def _routed(assembly: Assembly, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    return [_case(question, await evidence_for(assembly, question.question)) for question in asked]


def _case(asked: Asked, evidence: SourceEvidence) -> dict[str, Any]:
    routing = choose(asked.question, evidence)
    return {
        "question": asked.question,
        "group": asked.group,
        "expected": asked.route,
        "got": routing.route,
        "right": routing.route == asked.route,
        "confidence": routing.confidence,
        "reason": routing.reason,
    }


def _measures(name: str, cases: Sequence[dict[str, Any]], least: float | None) -> list[Measure]:
    right = [case["right"] for case in cases]
    told = _told(cases)
    error, fine = calibration(told, SMALL_BINS).error, calibration(told).error
    most = MOST_ERROR if least else None
    routes = [(route, [case["right"] for case in cases if case["expected"] == route]) for route in Route]
    return [
        Measure(f"{name}, routed right", 100 * sum(right) / len(right), len(right), target=least and 100 * least),
        *(Measure(f"{name}, {route.lower()}", 100 * sum(r) / len(r), len(r)) for route, r in routes if r),
        Measure(f"{name}, calibration error", error, len(cases), "", most, at_most=True),
        Measure(f"{name}, calibration error in ten bins", fine, len(cases), "", most, at_most=True),
    ]


def _curve(cases: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    return [asdict(item) for item in calibration(_told(cases)).bins]


def _told(cases: Sequence[dict[str, Any]]) -> list[Confidence]:
    return [Confidence("routing", case["confidence"], case["right"]) for case in cases]


if __name__ == "__main__":
    main()
