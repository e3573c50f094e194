"""What a question for both sources rests on, and whether a statement does what it asks and no more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.accounted import is_accounted_for, misses_point
from service.domain.caller import Caller
from service.domain.documents import Chunk, Span
from service.domain.hybrid_plan import Plan, names_in, plan
from service.domain.questions import Question
from service.domain.rule_clauses import applies_another
from service.domain.rules import applies_number, leaves_measure_open
from service.domain.schema_linking import with_singulars, words_of
from service.domain.sql import Schema, ValueMatch
from service.domain.terms import terms
from service.domain.units import is_table_row, unit_text
from service.domain.verb_forms import base_terms
from service.ports import Database
from service.usecases.find_rules import likeliest_rules
from service.usecases.read_passages import Evidence, content_terms
from service.usecases.route_question import LOOKED_UP
from service.usecases.weigh_sources import schema_terms

RULES_COMPARED = 3
"""So many of the likeliest rules are held against the one that a statement applies."""
CLEARLY_MORE = 2
"""Another rule that has so many more words of the question is the one that is meant."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its plan, and the likeliest rules of the documents.

    kinds are the values that it speaks of out of columns that hold few; names are those that it writes as names, and
    named_in the tables that hold them, or that these refer to.
    unstored are its content words that neither the schema nor a stored value knows.
    """

    question: Question
    plan: Plan
    rules: Sequence[Evidence]
    names: tuple[str, ...] = ()
    kinds: tuple[ValueMatch, ...] = ()
    unstored: frozenset[str] = frozenset()
    named_in: frozenset[str] = frozenset()


async def understand(
    database: Database | None, caller: Caller, question: Question, evidence: Sequence[Evidence]
) -> Asked:
    """Raises UpstreamUnavailable when the database cannot be asked."""
    rules = likeliest_rules(evidence)
    if database is None:
        return Asked(question, plan(question.text), rules)
    schema = await database.schema(caller)
    few = dict(_columns(schema))
    values = await database.find_values(caller, with_singulars(words_of(question.text)[-LOOKED_UP:]))
    kinds = tuple(match for match in values if match.value in few.get(match.column, ()))
    names = names_in(question.text, [match.words for match in values])
    known = schema_terms(schema).union(*(terms(match.words) for match in values))
    unstored = frozenset(content_terms(question.text)) - known
    holding = {match.table for match in values if match.words in names}
    holding |= {key.target_table for table in schema.tables if table.name in holding for key in table.foreign_keys}
    return Asked(question, plan(question.text, names), rules, tuple(names), kinds, unstored, frozenset(holding))


async def vouches(database: Database, caller: Caller, asked: Asked, sql: str, rule: str) -> bool:
    """Whether all that a statement compares with stands in the question or its rule, and what was named is used.

    The rule must be about the question: of the words that the database does not know it has one, unless none of the
    likeliest rules has. Of a rule with several numbers it must be the one that the question asks about.
    """
    question = asked.question.text
    if rule and (not _is_about(asked, rule) or applies_another(sql, question, rule)):
        return False
    if rule and leaves_measure_open(question) and not applies_number(sql, rule, question):
        return False
    schema, text = await database.schema(caller), f"{question} {rule}"
    found = await database.find_values(caller, with_singulars(words_of(text)[-2 * LOOKED_UP :]))
    stored = {(match.column.casefold(), match.value.casefold()) for match in found}
    stored |= {(name.casefold(), value.casefold()) for name, values in _columns(schema) for value in values}
    read = [match.value for match in asked.kinds if re.search(rf"\b{re.escape(match.table)}\b", sql, re.I)]
    named = [*(name for name in asked.names if name.casefold() not in rule.casefold()), *read]
    return await asyncio.to_thread(is_accounted_for, sql, schema.dialect, text, stored, named)


async def misses(database: Database, caller: Caller, question: Question, sql: str, rule: str) -> bool:
    """Whether the statement by a rule lists something else than was asked for: no other rule would mend that."""
    schema = await database.schema(caller)
    if applies_another(sql, question.text, rule):
        return True
    return await asyncio.to_thread(misses_point, sql, schema, question.text, rule)


def _is_about(asked: Asked, rule: str) -> bool:
    """Whether a rule has a word that the database does not know where another has one, unless that has no more of the
    question in all; and as many words of the question as the other rows of its table.
    """
    unstored = base_terms(" ".join(sorted(asked.unstored)))
    likeliest = (unit_text(item.passage.chunk, item.unit) for item in asked.rules[:RULES_COMPARED])
    said = base_terms(" ".join(content_terms(asked.question.text)))
    shared, own = len(unstored & base_terms(rule)), len(said & base_terms(rule))
    others = [(len(unstored & base_terms(other)), len(said & base_terms(other))) for other in likeliest]
    if any(many - shared >= CLEARLY_MORE or (many > shared == 0 and total > own) for many, total in others):
        return False
    rows = (unit_text(chunk, unit) for chunk, unit in _rows_beside(asked.rules, rule))
    return all(len(said & base_terms(row)) <= own for row in rows)


def _rows_beside(rules: Sequence[Evidence], rule: str) -> list[tuple[Chunk, Span]]:
    """The rows of the table of which the rule is one."""
    placed = [(item.passage.chunk, item.unit) for item in rules]
    tables = [chunk for chunk, unit in placed if is_table_row(chunk, unit) and unit_text(chunk, unit) == rule]
    return [(chunk, unit) for chunk in tables[:1] for unit in chunk.units if is_table_row(chunk, unit)]


def _columns(schema: Schema) -> list[tuple[str, tuple[str, ...]]]:
    """The columns with the values that are known to be in them."""
    return [(column.name, column.values) for table in schema.tables for column in table.columns]
