"""Fit the router: `python -m evals.train_router DATA` rewrites service/domain/router_weights.py and its report.

Multinomial logistic regression with an L2 penalty. evals/data/routing has questions of twelve domains, each asked of
its own documents and database, of those of another domain, and with one or both of them missing, so that the weights
neither learn a schema nor take what is missing for evidence; and questions that have no sources at all. DATA has
TAT-QA, of which reports are used that evals/routing.py does not ask. A domain is scored by weights that never saw it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evals import tatqa
from evals.routing_sources import FOLDER, UNSEEN, Asked, domain_sources, domains, evidence_for, read_questions
from service.domain.questions import Route
from service.domain.routing import SourceEvidence, features
from service.evaluation.reports import Confidence
from service.evaluation.statistics import calibration

WEIGHTS_FILE = Path(__file__).parents[1] / "service" / "domain" / "router_weights.py"
REPORT_FILE = FOLDER / "report.json"
ROUTES = (Route.DOCUMENTS, Route.HYBRID, Route.SQL)
PENALTY = 15.0
STEPS = 3_000
RATE = 0.5
SEED = 3
OWN, OTHER, NONE, NO_DOCUMENTS, NO_DATABASE = "own sources", "other sources", "none", "no documents", "no database"
COUNTS = {OWN: 1.0, OTHER: 0.4, NONE: 0.6, NO_DOCUMENTS: 0.2, NO_DATABASE: 0.2}
"""How much a question counts by what it is asked of."""
REPORTS, REPORT_COUNT = 24, 0.3
"""TAT-QA's: how many, and how much their questions count next to those of a domain."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A question, what it was asked of, and what the router sees there."""

    asked: Asked
    kind: str
    inputs: dict[str, float]


@dataclass(frozen=True, slots=True)
class Model:
    """weights has the shape (features, routes), the others (features,) or (routes,)."""

    names: tuple[str, ...]
    means: Matrix
    scales: Matrix
    weights: Matrix
    intercepts: Matrix

    def predict(self, examples: Sequence[Example]) -> Matrix:
        """Probabilities, shape (examples, routes)."""
        return _softmax(_scaled(examples, self.names, self.means, self.scales) @ self.weights + self.intercepts)


async def measure(data: Path) -> list[Example]:
    """Every question with every kind of sources."""
    chosen = random.Random(SEED)
    names = domains()
    asked: dict[str, list[tuple[Asked, str]]] = {name: [] for name in names}
    for name in names:
        for question in read_questions(FOLDER / name / "questions.jsonl", name):
            asked[name].append((question, OWN))
            asked[chosen.choice([other for other in names if other != name])].append((question, OTHER))
    unseen = read_questions(FOLDER / UNSEEN / "questions.jsonl", UNSEEN)
    examples = [Example(question, NONE, features(question.question, SourceEvidence())) for question in unseen]
    for name in names:
        print(f"asking {name} …", file=sys.stderr, flush=True)
        async with domain_sources(name) as assembly:
            for question, kind in asked[name]:
                examples += _examples(question, kind, await evidence_for(assembly, question.question))
    print(f"asking {tatqa.NAME} …", file=sys.stderr, flush=True)
    for report in tatqa.reports(data / "tatqa")[tatqa.ASKED : tatqa.ASKED + REPORTS]:
        async with tatqa.report_sources(report) as assembly:
            for question in tatqa.asked(report):
                examples += _examples(question, OWN, await evidence_for(assembly, question.question))
    return examples


def _examples(asked: Asked, kind: str, evidence: SourceEvidence) -> list[Example]:
    seen = {kind: evidence}
    if kind == OWN:
        seen |= {
            NONE: SourceEvidence(),
            NO_DOCUMENTS: replace(evidence, documents=None),
            NO_DATABASE: replace(evidence, database=None),
        }
    return [Example(asked, kind, features(asked.question, held)) for kind, held in seen.items()]


def fit(examples: Sequence[Example]) -> Model:
    """By gradient descent. Scales are those of the examples that miss nothing."""
    names = tuple(dict.fromkeys(name for example in examples for name in example.inputs))
    whole = _inputs([example for example in examples if example.kind in (OWN, OTHER)], names)
    means, scales = np.nanmean(whole, 0), np.maximum(np.nanstd(whole, 0), 1e-6)
    inputs = _scaled(examples, names, means, scales)
    wanted = np.eye(len(ROUTES))[_labels(examples)]
    counts = np.array([_count(example) for example in examples])[:, None]
    counts = counts / counts.mean()
    weights, intercepts = np.zeros((len(names), len(ROUTES))), np.zeros(len(ROUTES))
    for _ in range(STEPS):
        error = (_softmax(inputs @ weights + intercepts) - wanted) * counts
        weights -= RATE * (inputs.T @ error + PENALTY * weights) / len(inputs)
        intercepts -= RATE * error.mean(0)
    return Model(names, means, scales, weights, intercepts)


def _count(example: Example) -> float:
    return COUNTS[example.kind] * (REPORT_COUNT if example.asked.group == tatqa.NAME else 1)


def held_out(examples: Sequence[Example]) -> Matrix:
    """Probabilities of each example by weights fitted on the other domains, shape (examples, routes)."""
    found = np.zeros((len(examples), len(ROUTES)))
    for group in {example.asked.group for example in examples}:
        inside = np.array([example.asked.group == group for example in examples])
        model = fit([example for example in examples if example.asked.group != group])
        found[inside] = model.predict([example for example in examples if example.asked.group == group])
    return found


def report(examples: Sequence[Example], found: Matrix) -> dict[str, dict[str, object]]:
    """By kind of sources, what is no domain of ours apart: how many routes are right, and how sure."""
    apart = (UNSEEN, tatqa.NAME)
    groups = {
        kind: [i for i, e in enumerate(examples) if e.kind == kind and e.asked.group not in apart] for kind in COUNTS
    }
    groups |= {
        name: [
            i for i, e in enumerate(examples) if e.asked.group == name and e.kind in (OWN, *(NONE,) * (name == UNSEEN))
        ]
        for name in apart
    }
    return {name: _score(found[at], _labels([examples[i] for i in at])) for name, at in groups.items()}


def _score(found: Matrix, labels: npt.NDArray[np.int64]) -> dict[str, object]:
    right = [bool(held) for held in found.argmax(1) == labels]
    told = [Confidence("routing", float(value), bool(held)) for value, held in zip(found.max(1), right, strict=True)]
    curve = calibration(told)
    bins = [asdict(item) for item in curve.bins]
    return {"n": len(right), "right": sum(right), "calibration_error": round(curve.error, 3), "bins": bins}


def main() -> None:
    """Fit, score each domain by what was learnt on the others, and write the weights and the report."""
    parser = argparse.ArgumentParser(prog="evals.train_router", description="Fit the router.")
    parser.add_argument("data", type=Path, help="folder of full data sets")
    examples = asyncio.run(measure(parser.parse_args().data))
    scores = report(examples, held_out(examples))
    lines = [
        f"{kind}: {s['right']} of {s['n']}, calibration error {s['calibration_error']}" for kind, s in scores.items()
    ]
    print("\n".join(lines))
    REPORT_FILE.write_text(json.dumps(scores, indent=1) + "\n")
    WEIGHTS_FILE.write_text(_source(fit(examples), lines))


def _scaled(examples: Sequence[Example], names: Sequence[str], means: Matrix, scales: Matrix) -> Matrix:
    return np.nan_to_num((_inputs(examples, names) - means) / scales)


def _inputs(examples: Sequence[Example], names: Sequence[str]) -> Matrix:
    """Shape (examples, names), not a number where one is missing."""
    return np.array([[example.inputs.get(name, np.nan) for name in names] for example in examples])


def _labels(examples: Sequence[Example]) -> npt.NDArray[np.int64]:
    return np.array([ROUTES.index(example.asked.route) for example in examples])


def _softmax(logits: Matrix) -> Matrix:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _source(model: Model, lines: Sequence[str]) -> str:
    def shown(values: Matrix) -> str:
        return "".join(f'    "{name}": {value:.4f},\n' for name, value in zip(model.names, values, strict=True))

    rows = "".join(
        f'    "{route}": {{\n' + shown(model.weights[:, i]).replace("    ", "        ") + "    },\n"
        for i, route in enumerate(ROUTES)
    )
    starts = ", ".join(f'"{route}": {model.intercepts[i]:.4f}' for i, route in enumerate(ROUTES))
    return (
        '"""The router\'s weights, written by evals/train_router.py.\n\nEach domain by weights fitted on the others; '
        "more in evals/data/routing/report.json.\n" + "".join(f"{line}.\n" for line in lines) + '"""\n\n'
        f"MEANS = {{\n{shown(model.means)}}}\nSCALES = {{\n{shown(model.scales)}}}\n"
        f"WEIGHTS = {{\n{rows}}}\nINTERCEPTS = {{{starts}}}\n"
    )


if __name__ == "__main__":
    main()
