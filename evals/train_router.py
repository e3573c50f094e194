"""Fit the router's weights: `python -m evals.train_router` rewrites service/domain/router_weights.py.

Multinomial logistic regression with an L2 penalty, fitted on evals/data/router_questions.jsonl over the sample
documents and database; the music store's own questions are held out and only scored.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from service import samples
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question
from service.domain.routing import features
from service.settings import load
from service.startup import load_samples

HERE = Path(__file__).parent
WEIGHTS_FILE = HERE.parent / "service/domain/router_weights.py"
ROUTES = ("DOCUMENTS", "HYBRID", "SQL")
PENALTY = 3.0
STEPS = 4_000
RATE = 0.5
FOLDS = 10
Matrix = npt.NDArray[np.float64]


async def measure(assembly: Assembly, path: Path) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """The features of every question of a file, shape (questions, features), and the index of its route."""
    rows: list[tuple[float, ...]] = []
    labels: list[int] = []
    for line in path.read_text().splitlines():
        item: dict[str, Any] = json.loads(line)
        question = Question(item["question"])
        found = await assembly.retrieve(DEFAULT_CALLER, question)
        rows.append(features(question.text, await assembly.route.weigh(DEFAULT_CALLER, question, found)))
        labels.append(ROUTES.index(item["route"].upper()))
    return np.array(rows), np.array(labels)


def fit(inputs: Matrix, labels: npt.NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Weights, shape (features, routes), and intercepts, shape (routes,), by gradient descent."""
    wanted = np.eye(len(ROUTES))[labels]
    weights, intercepts = np.zeros((inputs.shape[1], len(ROUTES))), np.zeros(len(ROUTES))
    for _ in range(STEPS):
        error = predict(inputs, weights, intercepts) - wanted
        weights -= RATE * (inputs.T @ error + PENALTY * weights) / len(inputs)
        intercepts -= RATE * error.mean(0)
    return weights, intercepts


def predict(inputs: Matrix, weights: Matrix, intercepts: Matrix) -> Matrix:
    """Probabilities, shape (questions, routes)."""
    logits = inputs @ weights + intercepts
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def calibration_error(probabilities: Matrix, labels: npt.NDArray[np.int64], bins: int = 5) -> float:
    """Expected calibration error (Naeini et al., 2015) of the likeliest route."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    edges = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[edges == b].mean() - right[edges == b].mean()) * (edges == b).mean() for b in set(edges)]
    return float(sum(gaps))


def main() -> None:
    """Fit, print the scores, and write the weights."""
    (train, train_labels), (held, held_labels) = asyncio.run(_measure_all())
    means, scales = train.mean(0), np.maximum(train.std(0), 1e-6)
    scaled = (train - means) / scales
    folded = np.zeros((len(train), len(ROUTES)))
    for fold in range(FOLDS):
        out = np.arange(len(train)) % FOLDS == fold
        folded[out] = predict(scaled[out], *fit(scaled[~out], train_labels[~out]))
    weights, intercepts = fit(scaled, train_labels)
    held_out = predict((held - means) / scales, weights, intercepts)
    report = (
        f"{FOLDS}-fold on the training questions: {(folded.argmax(1) == train_labels).sum()} of {len(train)}, "
        f"calibration error {calibration_error(folded, train_labels):.3f}. "
        f"Held out: {(held_out.argmax(1) == held_labels).sum()} of {len(held)}, "
        f"calibration error {calibration_error(held_out, held_labels):.3f}."
    )
    print(report)
    WEIGHTS_FILE.write_text(_source(report, means, scales, weights, intercepts))


async def _measure_all() -> tuple[tuple[Matrix, npt.NDArray[np.int64]], tuple[Matrix, npt.NDArray[np.int64]]]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"RAGSQL_DATA_DIR": folder, "DATABASE_URL": samples.DATABASE_URL})
        assembly = assemble(settings)
        await load_samples(assembly.use_cases.documents, Path(folder))
        return (
            await measure(assembly, HERE / "data/router_questions.jsonl"),
            await measure(assembly, HERE / "data/musicstore.jsonl"),
        )


def _source(report: str, means: Matrix, scales: Matrix, weights: Matrix, intercepts: Matrix) -> str:
    def shown(values: Matrix) -> str:
        return "(" + ", ".join(f"{value:.4f}" for value in values) + ")"

    rows = "\n".join(f'    "{route}": {shown(weights[:, i])},' for i, route in enumerate(ROUTES))
    starts = ", ".join(f'"{route}": {intercepts[i]:.4f}' for i, route in enumerate(ROUTES))
    return (
        '"""The router\'s weights, written by evals/train_router.py.\n\n'
        + report.replace(". ", ".\n")
        + f'\n"""\n\nMEANS = {shown(means)}\nSCALES = {shown(scales)}\nWEIGHTS = {{\n{rows}\n}}\n'
        + f"INTERCEPTS = {{{starts}}}\n"
    )


if __name__ == "__main__":
    main()
