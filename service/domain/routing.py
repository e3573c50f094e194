"""Which source a question needs, from what the sources hold and from the question's form.

A multinomial logistic regression over a few features. Its weights are in router_weights.py, fitted by
evals/train_router.py; nothing in them is tied to one corpus or schema.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from service.domain.questions import Route, Routing
from service.domain.router_weights import INTERCEPTS, MEANS, SCALES, WEIGHTS

YEAR = re.compile(r"\b(?:19|20)\d\d\b")
AGGREGATE = re.compile(
    r"\b(?:how many|how much|number of|count|total|sum|average|mean|median|most|least|fewest|highest|lowest|biggest|"
    r"largest|smallest|longest|shortest|oldest|newest|top|best|worst|cheapest|latest|last|first|compare|share|"
    r"percentage|rank|list|which|who|name|ever|altogether)\b",
    re.I,
)
SUPERLATIVE = re.compile(
    r"\b(?:most|biggest|largest|highest|longest|best|top|oldest|average|total|least|last|cheapest)\b", re.I
)
PROCEDURAL = re.compile(
    r"\b(?:can i|may i|what happens|how (?:do|does|long|soon|fast|quickly|early)|must|allowed)\b", re.I
)
MODAL = re.compile(r"\b(?:would|enough|should|could|because|have to|may|must)\b", re.I)
CONTENT = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """What the sources hold for a question.

    passage is the cosine of the best unit of the retrieved passages, schema the mean cosine of the three nearest
    table and column names, values the number of stored values that the question names. top says where the best
    unit stands, for a person.
    """

    passage: float
    schema: float
    values: int
    top: str = ""


def features(question: str, evidence: SourceEvidence) -> tuple[float, ...]:
    """The inputs of the model, in the order of its weights."""
    return (
        evidence.passage,
        evidence.schema,
        float(min(evidence.values, 2)),
        float(bool(YEAR.search(question))),
        float(bool(AGGREGATE.search(question))),
        float(bool(SUPERLATIVE.search(question))),
        float(bool(PROCEDURAL.search(question))),
        float(bool(MODAL.search(question))),
        len(CONTENT.findall(question)) / 10,
    )


def probabilities(inputs: tuple[float, ...]) -> dict[Route, float]:
    """The probability of each route; they add up to 1."""
    scaled = [(x - mean) / scale for x, mean, scale in zip(inputs, MEANS, SCALES, strict=True)]
    logits = {
        Route(name): INTERCEPTS[name] + sum(w * x for w, x in zip(weights, scaled, strict=True))
        for name, weights in WEIGHTS.items()
    }
    highest = max(logits.values())
    powers = {route: math.exp(logit - highest) for route, logit in logits.items()}
    total = sum(powers.values())
    return {route: power / total for route, power in powers.items()}


NEAR_TIE = 0.05


def choose(question: str, evidence: SourceEvidence) -> Routing:
    """The likeliest route; both sources when that is nearly as likely, because it loses least when it is wrong."""
    by_route = probabilities(features(question, evidence))
    route = max(by_route, key=lambda r: by_route[r] + (NEAR_TIE if r is Route.HYBRID else 0))
    return Routing(route, by_route[route], _reason(route, question, evidence))


def _reason(route: Route, question: str, evidence: SourceEvidence) -> str:
    passage = f"a passage {'in ' + evidence.top + ' ' if evidence.top else ''}fits it to {evidence.passage:.2f}"
    named = f" and {evidence.values} stored value{'s' if evidence.values > 1 else ''} of the database in it"
    tables = f"the names of tables and columns to {evidence.schema:.2f}{named if evidence.values else ''}"
    form = "asks for a figure or a list" if AGGREGATE.search(question) else "asks how something is done"
    match route:
        case Route.SQL:
            return f"The question {form}, and {tables} fit better than the documents ({evidence.passage:.2f})."
        case Route.DOCUMENTS:
            return f"The question {form}, and {passage}, {tables}."
        case _:
            return f"The question {form} and depends on a rule: {passage}, {tables}."
