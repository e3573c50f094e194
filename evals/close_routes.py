"""`python -m evals.close_routes DATA`: what a chat model adds where the router alone is not sure.

Each domain of evals/data/routing by weights that never saw it, as evals/train_router.py scores them. The model is the
one that RAGSQL's settings name, this machine's without any.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evals import tatqa
from evals.measures import Confidence, Measure, Report, finish
from evals.routing_sources import UNSEEN
from evals.train_router import COUNTS, ROUTES, Example, Matrix, held_out, measure
from service.app import assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question, Route
from service.domain.routing import CLOSE, product
from service.evaluation.hashing import hash_of
from service.evaluation.statistics import calibration
from service.ports import ChatModel
from service.settings import load
from service.usecases.break_tie import BreakTie


@dataclass(frozen=True, slots=True)
class Case:
    """One question of one kind of sources: the probabilities before and after the model was asked, shape (routes,)."""

    example: Example
    before: Matrix
    after: Matrix

    @property
    def close(self) -> bool:
        return bool(self.before.max() < CLOSE)

    def right(self, found: Matrix) -> bool:
        """Whether the likeliest of found is the route that is needed."""
        return ROUTES[int(found.argmax())] is self.example.asked.route


async def run(data: Path) -> Report:
    """Every question whose route is close, with and without the model."""
    examples = await measure(data)
    with tempfile.TemporaryDirectory(prefix="ragsql-close-") as folder:
        settings = {**os.environ, "RAGSQL_DATA_DIR": folder, "RAGSQL_SAMPLE_DATA": "false"}
        with closing(assemble(load(settings))) as assembly:
            cases, seconds = await _ask(examples, held_out(examples), assembly.ports.chat)
    groups = {kind: [c for c in cases if c.example.kind == kind and _is_domain(c)] for kind in COUNTS}
    groups["no sources, never seen"] = [c for c in cases if c.example.asked.group == UNSEEN]
    measures = [item for name, found in groups.items() for item in _measures(name, found)]
    measures.append(Measure("asking, p50", float(np.median(seconds)), len(seconds), "s"))
    asked = [example.asked.question.encode() for example in examples]
    return Report("close routes", measures, data=hash_of(*asked))


async def _ask(examples: Sequence[Example], found: Matrix, chat: ChatModel) -> tuple[list[Case], list[float]]:
    said: dict[str, dict[Route, float]] = {}
    seconds: list[float] = []
    cases: list[Case] = []
    for example, before in zip(examples, found, strict=True):
        text, after = example.asked.question, before
        if before.max() < CLOSE:
            if text not in said:
                start = time.perf_counter()
                said[text] = (await BreakTie(chat)(DEFAULT_CALLER, Question(text))).routes
                seconds.append(time.perf_counter() - start)
            if said[text]:
                both = product(dict(zip(ROUTES, map(float, before), strict=True)), said[text])
                after = np.array([both[route] for route in ROUTES])
        cases.append(Case(example, before, after))
    return cases, seconds


def _is_domain(case: Case) -> bool:
    return case.example.asked.group not in (UNSEEN, tatqa.NAME)


def _measures(name: str, cases: Sequence[Case]) -> list[Measure]:
    close = [case for case in cases if case.close]
    return [
        Measure(f"{name}, close, right without the model", sum(c.right(c.before) for c in close), len(close), ""),
        Measure(f"{name}, close, right with it", sum(c.right(c.after) for c in close), len(close), ""),
        Measure(f"{name}, calibration error without", _error(cases, [c.before for c in cases]), len(cases), ""),
        Measure(f"{name}, calibration error with", _error(cases, [c.after for c in cases]), len(cases), ""),
    ]


def _error(cases: Sequence[Case], found: Sequence[Matrix]) -> float:
    told = zip(cases, found, strict=True)
    return calibration([Confidence("routing", float(item.max()), case.right(item)) for case, item in told]).error


def main() -> None:
    """Print the figures and keep them."""
    parser = argparse.ArgumentParser(prog="evals.close_routes", description="Score the chat model on close routes.")
    parser.add_argument("data", type=Path, help="folder of full data sets")
    raise SystemExit(finish([asyncio.run(run(parser.parse_args().data))], "close routes"))


if __name__ == "__main__":
    main()
