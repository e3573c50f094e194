"""How far a statement that passed the guard may be trusted to answer its question, and what speaks against it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from service.adapters.sqlgen import confidence_weights as fitted
from service.adapters.sqlgen.candidates import Candidate
from service.adapters.sqlgen.coverage import quoted, unknown_words, unlinked_tables
from service.domain.schema_linking import Links, name_parts, stem, words_of
from service.domain.sql_guard import parse_statement
from service.ports import SqlRequest

FEATURES = (
    "mean log-probability", "least log-probability", "unlikely tokens", "attempts", "mends", "share of unknown words",
    "unlinked tables", "unknown texts", "tables", "inner queries",
    "words", "shape",
)  # fmt: skip
_UNLIKELY = math.log(0.5)
_LEAST = -4.0
_MANY = 6
_SHAPES = (
    (re.compile(r"\b(ratio|proportion|percent\w*)\b", re.I), re.compile(r"/")),
    (re.compile(r"\b(each|per|every)\b", re.I), re.compile(r"GROUP BY|DISTINCT|PARTITION", re.I)),
    (re.compile(r"\b(how many|number of|count of)\b", re.I), re.compile(r"COUNT|SUM|_num|count", re.I)),
    (re.compile(r"\baverage\b", re.I), re.compile(r"AVG|average|/", re.I)),
    (re.compile(r"\b(top|most|highest|lowest|fewest|largest)\b", re.I), re.compile(r"ORDER BY|MAX|MIN", re.I)),
    (re.compile(r"\b(never|without|no|not)\b", re.I), re.compile(r"NOT|NULL|EXCEPT|<>|= 0|FALSE", re.I)),
    (re.compile(r"\b(past|last) (\d+ )?\w*(day|week|month|year)", re.I), re.compile(r"CURRENT|INTERVAL|now", re.I)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rating:
    """confidence is the probability that a statement is right; doubts are sentences for the person who decides."""

    confidence: float
    doubts: tuple[str, ...]


Rater = Callable[[Candidate, SqlRequest, Links], Rating]


def rate(found: Candidate, request: SqlRequest, links: Links) -> Rating:
    """Rate a statement by its features, with the weights that evals/train_sql_confidence.py fitted."""
    values = features(found, request, links)
    scaled = (
        weight * (value - mean) / scale
        for weight, value, mean, scale in zip(fitted.WEIGHTS, values, fitted.MEANS, fitted.SCALES, strict=True)
    )
    confidence = 1 / (1 + math.exp(-(sum(scaled) + fitted.INTERCEPT)))
    return Rating(round(confidence, 3), tuple(_doubts(found, request, links)))


def features(found: Candidate, request: SqlRequest, links: Links) -> tuple[float, ...]:
    """What FEATURES name, in their order. A model that tells no probabilities counts as the mean one."""
    told = found.probabilities
    unknown = unknown_words(request, links)
    words = words_of(request.question)
    return (
        max(_LEAST, sum(told) / len(told)) if told else fitted.MEANS[0],
        max(_LEAST, min(told)) if told else fitted.MEANS[1],
        float(min(_MANY, sum(value < _UNLIKELY for value in told))) if told else fitted.MEANS[2],
        float(found.attempt),
        float(min(_MANY, found.mends)),
        len(unknown) / max(1, len(words)),
        float(len(unlinked_tables(found.guarded, links))),
        float(min(3, len(_unknown_texts(found, request, links)))),
        float(len(found.guarded.tables)),
        float(min(3, found.guarded.sql.upper().count("SELECT") - 1)),
        min(60, len(words)) / 10,
        float(sum(bool(a.search(request.question)) and not b.search(found.guarded.sql) for a, b in _SHAPES)),
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
    for literal in parse_statement(found.guarded.sql, request.schema.dialect).find_all(exp.Literal):
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


def _doubts(found: Candidate, request: SqlRequest, links: Links) -> list[str]:
    doubts: list[str] = []
    unknown = unknown_words(request, links)
    if unknown:
        doubts.append(f"Nothing in the database is called {quoted(unknown[:3])}: what is meant by it?")
    texts = _unknown_texts(found, request, links)
    if texts:
        doubts.append(f"{quoted(texts[:3])} is not among the known values: is it spelled as it is stored?")
    tables = unlinked_tables(found.guarded, links)
    if tables:
        doubts.append(f"The question does not name {quoted(tables[:3])}, which the statement reads.")
    if found.attempt:
        doubts.append("The first statement that was written for it failed, and this one replaces it.")
    return doubts or ["The model was not sure of this statement: check that it reads the question as you do."]
