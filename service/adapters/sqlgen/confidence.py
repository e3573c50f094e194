"""How far a statement that passed the guard may be trusted to answer its question, and what speaks against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.adapters.sqlgen import confidence_weights as fitted
from service.adapters.sqlgen.candidates import Candidate
from service.adapters.sqlgen.coverage import left_out, quoted, unknown_words, unlinked_tables
from service.domain.schema_linking import Links, name_parts, stem, words_of
from service.domain.sql import LEAST_CONFIDENCE
from service.domain.sql_guard import read_statement
from service.ports import SqlRequest

FEATURES = (
    "mean log-probability", "unlikely tokens", "attempts", "share of unknown words", "unlinked tables", "tables",
    "inner queries",
)  # fmt: skip
_DOUBT_FACTOR = 0.5
"""What is left of the confidence for a text that stands nowhere else, and for one that was not used."""
_UNLIKELY = math.log(0.5)
_LEAST = -4.0
_MANY = 6


@dataclass(frozen=True, slots=True)
class Rating:
    """confidence is the probability that a statement is right; doubts are sentences for the person who decides,
    none for one that need not be asked.
    """

    confidence: float
    doubts: tuple[str, ...]


Rater = Callable[[Candidate, SqlRequest, Links], Rating]


def rate(found: Candidate, request: SqlRequest, links: Links) -> Rating:
    """Rate a statement by its features, with the weights that evals/train_sql_confidence.py fitted."""
    unknown = unknown_words(request, links)
    values = features(found, request, links, unknown)
    scaled = (
        weight * (value - mean) / scale
        for weight, value, mean, scale in zip(fitted.WEIGHTS, values, fitted.MEANS, fitted.SCALES, strict=True)
    )
    confidence = 1 / (1 + math.exp(-(sum(scaled) + fitted.INTERCEPT)))
    for texts in (_unknown_texts(found, request, links), left_out(request.question, found.guarded.sql)):
        confidence *= _DOUBT_FACTOR if texts else 1.0
    confidence = round(confidence, 3)
    doubtful = confidence < LEAST_CONFIDENCE
    return Rating(confidence, tuple(_doubts(found, request, links, unknown)) if doubtful else ())


def features(found: Candidate, request: SqlRequest, links: Links, unknown: Sequence[str]) -> tuple[float, ...]:
    """What FEATURES name, in their order. A model that tells no probabilities counts as the mean one."""
    told = found.probabilities
    return (
        max(_LEAST, sum(told) / len(told)) if told else fitted.MEANS[0],
        float(min(_MANY, sum(value < _UNLIKELY for value in told))) if told else fitted.MEANS[1],
        float(found.attempt),
        len(unknown) / max(1, len(words_of(request.question))),
        float(len(unlinked_tables(found.guarded, links))),
        float(len(found.guarded.tables)),
        float(min(_MANY, found.guarded.sql.upper().count("SELECT") - 1)),
    )


def _unknown_texts(found: Candidate, request: SqlRequest, links: Links) -> list[str]:
    """Compared texts that are neither stored values nor words of the question."""
    from sqlglot import exp

    asked = {stem(word) for word in words_of(request.question)}
    known = {match.value.casefold() for match in links.values}
    for table in request.schema.tables:
        if table.name in found.guarded.tables:
            known.update(value.casefold() for column in table.columns for value in column.values)
    texts: list[str] = []
    for literal in read_statement(found.guarded.sql, request.schema.dialect).find_all(exp.Literal):
        text = literal.name.strip("%").casefold()
        compared = isinstance(literal.parent, (exp.EQ, exp.NEQ, exp.In, exp.Like, exp.ILike))
        if not literal.is_string or not compared or text in known or text[:1].isdigit():
            continue
        parts = name_parts(text) or [text]
        whole = all(part in asked for part in parts)
        stored = isinstance(literal.parent, (exp.Like, exp.ILike)) or not text
        if not (whole and stored):
            texts.append(literal.name)
    return texts


def _doubts(found: Candidate, request: SqlRequest, links: Links, unknown: Sequence[str]) -> list[str]:
    doubts: list[str] = []
    if unknown:
        doubts.append(f"Nothing in the database is called {quoted(unknown[:3])}: what is meant by it?")
    missing = left_out(request.question, found.guarded.sql)
    if missing:
        doubts.append(f"The statement does not use {quoted(missing[:3])}: nothing that is stored fits.")
    texts = _unknown_texts(found, request, links)
    if texts:
        doubts.append(f"{quoted(texts[:3])} is not among the known values: is it spelled as it is stored?")
    tables = unlinked_tables(found.guarded, links)
    if tables:
        doubts.append(f"The question does not name {quoted(tables[:3])}, which the statement reads.")
    if found.attempt:
        doubts.append("The first statement that was written for it failed, and this one replaces it.")
    return doubts or ["The model was not sure of this statement: check that it reads the question as you do."]
