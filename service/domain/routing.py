"""Which source a question needs, from what the sources hold and from the question's wording.

A multinomial logistic regression. Its weights are in router_weights.py, fitted by evals/train_router.py on many
corpora and schemas; nothing in them is tied to one. What is not there to be compared counts neither way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.hybrid_plan import unnamed_in
from service.domain.question_form import form
from service.domain.questions import Route, Routing
from service.domain.router_weights import INTERCEPTS, MEANS, SCALES, WEIGHTS
from service.domain.routing_reason import reason, reason_for_unnamed


@dataclass(frozen=True, slots=True)
class DocumentEvidence:
    """What the retrieved passages hold for a question.

    meaning and trust are those of the likeliest unit, margin how far its meaning stands above the median unit's.
    coverage is the share of the question's content words in the best passage, rules the share of the best three units
    that read like a rule: a bound and a number. place says where the best unit stands, for a person.
    """

    meaning: float
    trust: float
    margin: float
    coverage: float
    rules: float
    place: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseEvidence:
    """What the schema and the stored values hold for a question.

    meaning is the mean cosine of the three nearest names of tables and columns, margin how far the nearest stands
    above the median name. coverage is the share of the question's content words among those names and the comments.
    values are the stored texts that the question names; table is that of the nearest name, for a person.
    """

    meaning: float
    margin: float
    coverage: float
    values: tuple[str, ...] = ()
    table: str = ""


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """Both sources, None where there is nothing to search.

    The shares are of the question's content words: known to one source alone, or to neither. They mean nothing unless
    both are there.
    """

    documents: DocumentEvidence | None = None
    database: DatabaseEvidence | None = None
    only_documents: float = 0.0
    only_database: float = 0.0
    neither: float = 0.0


MOST_VALUES = 3
LEAST_TRUST = -2.5
"""Below this, trust only says again that nothing was found."""


def features(question: str, evidence: SourceEvidence) -> dict[str, float]:
    """The inputs of the model that there are, by name: what is missing has none."""
    return {**_wording(question), **_document_features(evidence), **_database_features(evidence), **_shared(evidence)}


def _wording(question: str) -> dict[str, float]:
    read = form(question)
    return {**read, "unnamed": float(bool(unnamed_in(question)))} if read else {}


def _document_features(evidence: SourceEvidence) -> dict[str, float]:
    documents = evidence.documents
    if documents is None:
        return {}
    return {
        "documents_meaning": documents.meaning,
        "documents_trust": max(LEAST_TRUST, documents.trust),
        "documents_margin": documents.margin,
        "documents_coverage": documents.coverage,
        "documents_rules": documents.rules,
    }


def _database_features(evidence: SourceEvidence) -> dict[str, float]:
    database = evidence.database
    if database is None:
        return {}
    return {
        "database_meaning": database.meaning,
        "database_margin": database.margin,
        "database_coverage": database.coverage,
        "database_values": min(len(database.values), MOST_VALUES),
    }


def _shared(evidence: SourceEvidence) -> dict[str, float]:
    if evidence.documents is None or evidence.database is None:
        return {}
    return {
        "meaning_difference": evidence.documents.meaning - evidence.database.meaning,
        "only_documents": evidence.only_documents,
        "only_database": evidence.only_database,
        "neither": evidence.neither,
    }


def scaled(inputs: Mapping[str, float]) -> dict[str, float]:
    """The inputs in standard deviations from the training mean, where a missing one is at the mean."""
    return {name: (inputs[name] - MEANS[name]) / SCALES[name] if name in inputs else 0.0 for name in MEANS}


def probabilities(inputs: Mapping[str, float]) -> dict[Route, float]:
    """The probability of each route; they add up to 1."""
    at = scaled(inputs)
    logits = {
        Route(route): INTERCEPTS[route] + sum(weights[name] * at[name] for name in weights)
        for route, weights in WEIGHTS.items()
    }
    highest = max(logits.values())
    powers = {route: math.exp(logit - highest) for route, logit in logits.items()}
    total = sum(powers.values())
    return {route: power / total for route, power in powers.items()}


CERTAIN = 0.7
"""Where no document is searchable, only so sure a need of documents keeps the database from being asked in vain."""


LEAST_LEFT = 0.15
"""So much of a question must only documents know for a name that only the database knows to need both."""
FOR_BOTH = 0.7


CLOSE = 0.65
"""Below this a chat model is asked too, where there is one; see docs/routing.md."""


def is_close(routing: Routing, evidence: SourceEvidence) -> bool:
    """Whether another source may well be the right one."""
    return routing.confidence < CLOSE and None not in (evidence.documents, evidence.database)


def choose(question: str, evidence: SourceEvidence, opinion: Mapping[Route, float] | None = None) -> Routing:
    """The likeliest route. Without documents it is the database's unless the question clearly is none for it.

    A question about what only the database can name needs both where documents alone know the rest of its words.
    opinion is how likely each route is to a chat model, which counts as much as the evidence.
    """
    inputs = features(question, evidence)
    by_route = probabilities(inputs)
    if opinion:
        by_route = product(by_route, opinion)
    route = max(by_route, key=lambda candidate: by_route[candidate])
    if evidence.documents is None and evidence.database and route is Route.DOCUMENTS and by_route[route] < CERTAIN:
        route = Route.SQL
    if route is Route.SQL and evidence.only_documents >= LEAST_LEFT and (unnamed := unnamed_in(question)):
        return Routing(Route.HYBRID, max(FOR_BOTH, by_route[Route.HYBRID]), reason_for_unnamed(unnamed))
    return Routing(route, by_route[route], reason(route, scaled(inputs), evidence, told=bool(opinion)))


def product(by_route: Mapping[Route, float], opinion: Mapping[Route, float]) -> dict[Route, float]:
    """The probabilities of the evidence and of a chat model's opinion together; they add up to 1."""
    both = {route: by_route[route] * opinion[route] for route in by_route}
    return {route: value / sum(both.values()) for route, value in both.items()}
