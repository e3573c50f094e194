"""Fit the confidence in generated SQL: `python -m evals.train_sql_confidence FOLDER --kept-replies FILE`.

Logistic regression with an L2 penalty over service/adapters/sqlgen/confidence.py's features, on defog's questions and
its unanswerable ones, these with and without their instructions. No weight may turn against what its feature means:
what speaks against a statement never raises its confidence. What is reported was predicted for each database from the
others.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evals.defog import Graded, chat_of_settings, grade
from evals.defog_data import UNANSWERABLE, read_questions
from service.adapters.sqlgen.candidates import Candidate
from service.adapters.sqlgen.confidence import FEATURES, Rating, features, rate
from service.adapters.sqlgen.coverage import unknown_words
from service.domain.schema_linking import Links
from service.domain.sql import LEAST_CONFIDENCE
from service.ports import ChatModel, SqlRequest

WEIGHTS_FILE = Path(__file__).parent.parent / "service/adapters/sqlgen/confidence_weights.py"
FOR = ("mean log-probability",)
PENALTY = 3.0
STEPS = 3_000
RATE = 0.3
Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


class Recorded:
    """Rates like the service, and keeps the features of what it rated, in order."""

    def __init__(self) -> None:
        self.features: list[tuple[float, ...]] = []

    def __call__(self, found: Candidate, request: SqlRequest, links: Links) -> Rating:
        self.features.append(features(found, request, links, unknown_words(request, links)))
        return rate(found, request, links)


def fit(inputs: Matrix, right: Vector) -> tuple[Vector, float]:
    """Weights, one a feature, and the intercept, by projected gradient descent."""
    signs = np.array([1.0 if name in FOR else -1.0 for name in FEATURES])
    weights, intercept = np.zeros(inputs.shape[1]), 0.0
    for _ in range(STEPS):
        error = predict(inputs, weights, intercept) - right
        weights = weights - RATE * (inputs.T @ error + PENALTY * weights) / len(inputs)
        weights = np.where(weights * signs < 0, 0.0, weights)
        intercept -= RATE * float(error.mean())
    return weights, intercept


def predict(inputs: Matrix, weights: Vector, intercept: float) -> Vector:
    """The probability of being right, one a statement."""
    return 1 / (1 + np.exp(-(inputs @ weights + intercept)))


def by_database(inputs: Matrix, right: Vector, databases: Sequence[str]) -> Vector:
    """Probabilities of the statements of each database, predicted from the others."""
    found, names = np.zeros(len(right)), np.array(databases)
    for name in sorted(set(databases)):
        rest = names != name
        mean, scale = inputs[rest].mean(0), np.maximum(inputs[rest].std(0), 1e-6)
        found[~rest] = predict((inputs[~rest] - mean) / scale, *fit((inputs[rest] - mean) / scale, right[rest]))
    return found


async def collect(folder: Path, chat: ChatModel) -> tuple[list[Graded], list[tuple[float, ...]]]:
    """Every statement that was written, and its features."""
    names = sorted(path.name.removesuffix(".sql") for path in folder.glob("*.sql"))
    asked, recorded = read_questions(folder, names, 1), Recorded()
    graded = await grade(folder, chat, asked, rating=recorded)
    idle = [item for item in asked if item[0] == UNANSWERABLE]
    graded += await grade(folder, chat, idle, text=lambda row: row["question"].strip(), rating=recorded)
    return [item for item in graded if item.sql], recorded.features


def report(graded: Sequence[Graded], probabilities: Vector, right: Vector) -> str:
    """What a threshold at LEAST_CONFIDENCE shows of databases that were not fitted."""
    shown, idle = probabilities >= LEAST_CONFIDENCE, np.array([item.set == UNANSWERABLE for item in graded])
    ordered = float((probabilities[right == 1][:, None] > probabilities[right == 0][None]).mean())
    return (
        f"Of databases that were not fitted, {len(right)} statements, {int(right.sum())} right: area under the curve "
        f"{ordered:.3f};\nshown at {LEAST_CONFIDENCE:g}: {int((shown & (right == 1)).sum())} right, "
        f"{int((shown & (right == 0) & ~idle).sum())} wrong, {int((shown & idle).sum())} of unanswerable questions."
    )


def main() -> None:
    """Fit, print the report, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with defog/")
    parser.add_argument("--kept-replies", type=Path, help="an SQLite file of replies, filled by the first run")
    given = parser.parse_args()
    with chat_of_settings(given.kept_replies) as chat:
        graded, recorded = asyncio.run(collect(given.folder / "defog", chat))
    inputs = np.array(recorded)
    right = np.array([float(item.verdict == "right") for item in graded])
    said = report(graded, by_database(inputs, right, [item.database for item in graded]), right)
    print(said)
    means, scales = inputs.mean(0), np.maximum(inputs.std(0), 1e-6)
    weights, intercept = fit((inputs - means) / scales, right)
    WEIGHTS_FILE.write_text(_source(said, means, scales, weights, intercept))


def _source(said: str, means: Vector, scales: Vector, weights: Vector, intercept: float) -> str:
    def shown(values: Vector) -> str:
        lines = "".join(f"    {value:.4f},  # {name}\n" for name, value in zip(FEATURES, values, strict=True))
        return f"(\n{lines})"

    return (
        '"""The weights of the confidence in a statement, written by evals/train_sql_confidence.py.\n\n'
        f'{said}\n"""\n\nMEANS = {shown(means)}\nSCALES = {shown(scales)}\nWEIGHTS = {shown(weights)}\n'
        f"INTERCEPT = {intercept:.4f}\n"
    )


if __name__ == "__main__":
    main()
