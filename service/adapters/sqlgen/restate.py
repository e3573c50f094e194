"""A question that depends on a fact, as a question about stored data alone.

A small model that gets a fact beside a question filters by every word of the fact. Asked first to put the fact's
numbers and names into the question, and then for SQL without the fact, it is right more often: see
docs/text_to_sql.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from service.adapters.sqlgen.bounded import as_the_rule_bounds, bounded_question, without_outcome
from service.domain.bands import band_of
from service.domain.question_form import PERIOD
from service.domain.rule_clauses import asked_clause
from service.domain.rules import leaves_measure_open, numbers_in, question_applies
from service.domain.schema_linking import few_values, name_parts, stem, words_of
from service.domain.sql import Schema, SchemaTable, ValueMatch
from service.domain.terms import terms
from service.ports import ChatMessage, ChatOptions, SqlRequest

OPTIONS = ChatOptions(max_tokens=60)
_MAX_TABLES = 25
_SYSTEM = """You turn a question that depends on a fact into a question about stored data alone.
- Copy the numbers, names and dates of the fact and of the question that decide what to select.
- Name things as the tables do. Keep who, which and how many.
- Leave out whatever is not stored.
Reply with one question."""
_TOY = (
    "Tables: Coach(FirstName, LastName), Member(FirstName, LastName, Town, Country), Visit(VisitDate, Fee), "
    "Purchase(Price, Pieces), Item(Name, Seconds), Brand(Name)"
)
_EXAMPLES = (
    (
        "No coach trains more than 15 members.",
        "Does anyone in the gym have too many people to train?",
        "Which coaches train more than 15 members?",
    ),
    (
        "Level: Gold; Paid in a year: $80.00 or more; Gift: free towel",
        "Who was entitled to a free towel in 2019?",
        "Which members paid $80.00 or more in total in 2019?",
    ),
    (
        "Fee: above $50.00; Agreed by: Head Coach; Within: 3 days",
        "How many visits in May 2019 were so dear that the boss had to agree?",
        "How many visits in May 2019 had a fee above $50.00?",
    ),
    (
        "A brand gets 7.5 % of what its items sold for.",
        "What is Acme owed for everything it sold here?",
        "What are the total sales of items of the brand Acme, and 7.5 % of them?",
    ),
    (
        "We write letters in Italian to Rome and Milan, and in Greek to Athens.",
        "To how many people do we write in Italian?",
        "How many members live in the towns Rome or Milan?",
    ),
    (
        "Regions with fewer than 10 visits in a year are closed.",
        "Which regions did too badly in 2020 to stay open?",
        "Which countries of members had fewer than 10 visits in 2020?",
    ),
    (
        "Whoever owes more than $9 hands the locker back. Visits are for groups of four or more.",
        "Were there visits by groups that were too small?",
        "Which visits were by fewer than four people?",
    ),
    (
        "A mat may be sold up to 3 times. A bag above 4 kg or a mat above 6 kg goes by van.",
        "Are there bags that are too heavy for the post?",
        "Which bags weigh more than 4 kg?",
    ),
    (
        "Items longer than 90 seconds earn nothing.",
        "Which of the clips are so long that they bring nothing?",
        "Which items are longer than 90 seconds?",
    ),
)
_TOTAL = re.compile(
    r"\b(?:in|per|a|each|every) (?:an? )?(?:calendar )?(?:year|season|month|quarter)\b|\btotal|\blifetime\b|"
    r"\b(?:altogether|combined|taken together|all told)\b",
    re.I,
)
_SPAN = re.compile(r"\s(?:in|per|within)?\s?(?:a|each|every|one)\s(?:calendar\s)?(?:year|season|month|quarter)\b", re.I)
_SMALLER = {"tonne": ("kg", 1000), "kg": ("g", 1000), "km": ("m", 1000), "litre": ("ml", 1000)}
_AMOUNT = re.compile(r"[$€£]\s?\d[\d.,]*(?<=\d)(?: or (?:more|less))?")
_STATE = re.compile(
    r"\b(open|unpaid|outstanding|overdue|pending|un(?:settled|resolved|answered|finished)|cancelled|active|former|"
    r"current)\s+(\w+)",
    re.I,
)
_ASKING = re.compile(r"\W*(?P<form>which|how many)\s+(?P<thing>(?:of\s+)?(?:(?:our|the|all)\s+)?\w+)", re.I)
_LEADING = re.compile(r"^\W*(?:for|in|to|on|at|of|by|with|from)\s+", re.I)
_COMPARES = re.compile(r"\bthan\b", re.I)
_EXCEPTS = re.compile(r"\b(?:except|but|other|unless|only|not|no|without|neither)\b", re.I)
_SECOND_CLAUSE = re.compile(r", (?:and|or) (?:how|by|who|what|which|when)\b.*$", re.IGNORECASE | re.DOTALL)


def restating_messages(request: SqlRequest) -> list[ChatMessage]:
    """The prompt for a request with exactly one rule; what does not change with the question comes first."""
    messages = [ChatMessage("system", _SYSTEM)]
    for fact, asked, restated in _EXAMPLES:
        tables = f"{_TOY}\n" if len(messages) == 1 else ""
        messages += [ChatMessage("user", f"{tables}{_asked(fact, asked)}"), ChatMessage("assistant", restated)]
    tables = ", ".join(_table_text(table) for table in request.schema.tables[:_MAX_TABLES])
    return [*messages, ChatMessage("user", f"Now other tables: {tables}\n{_asked(request.rule, request.question)}")]


def restated_question(reply: str, request: SqlRequest, values: Sequence[ValueMatch] = ()) -> str:
    """The model's question without a second clause, with the totals, states, values and periods it forgot.

    values are those that the request's question names. Empty when the fact is neither in the reply nor can be put in.
    """
    question = _SECOND_CLAUSE.sub("", reply.strip().split("\n")[0]).rstrip("?. ")
    clause = asked_clause(request.question, request.rule) or request.rule
    if not question or not question_applies(question, request.rule, request.question):
        question = bounded_question(request.question, clause).rstrip("?") or _by_band(request)
    elif not question_applies(question, clause, request.question):
        question = bounded_question(request.question, clause).rstrip("?") or question
    if not question:
        return ""
    question = _as_asked(question, request.question)
    question = as_the_rule_bounds(without_outcome(question, request.rule), request.rule)
    question = _as_stored(question, request.schema)
    if _TOTAL.search(request.rule) and not re.search(r"\btotal", question, re.I):
        question = _AMOUNT.sub(r"\g<0> in total", question, count=1)
    if not PERIOD.search(request.question):
        question = _SPAN.sub("", question)
    question = _with_states(question, request)
    lost = _forgotten(question, request, values)
    question += "".join(f" of {column} {' or '.join(several)}" for column, several in lost.items())
    forgotten = [period for period in PERIOD.findall(request.question) if period.lower() not in question.lower()]
    return f"{question} in {' and '.join(forgotten)}?" if forgotten else f"{question}?"


def _things_asked(question: str) -> str:
    """Which things, or how many, without what may stand before: "How many hires" of "For how many hires did …?"."""
    asked = _ASKING.match(_LEADING.sub("", question))
    return asked[0].strip().capitalize() if asked else ""


def _by_band(request: SqlRequest) -> str:
    """The question about what a table row's only band holds: "Cost: $251 to $1,500; Settled by: the manager"."""
    asked = _things_asked(request.question)
    cells = [cell.partition(": ") for cell in request.rule.split("; ")] if "\n" not in request.rule else []
    bands = [(name, cell) for name, _, cell in cells if band_of(cell)]
    if not asked or len(bands) != 1:
        return ""
    name, cell = bands[0]
    return f"{asked} have a {name[:1].lower()}{name[1:]} of {cell}"


def by_kinds(request: SqlRequest, values: Sequence[ValueMatch]) -> str:
    """The question about the kinds of things that the rule names: "combines and sprayers need a certificate" selects
    the hires of the kinds Combine and Sprayer.

    values are those that the rule names. Empty unless they stand in one column that holds few, and where the rule or
    the question measures something.
    """
    asked = _things_asked(request.question)
    few = few_values(request.schema)
    if not asked or numbers_in(request.rule) or _EXCEPTS.search(request.rule):
        return ""
    if leaves_measure_open(request.question) or _COMPARES.search(request.question):
        return ""
    kinds = [item for item in values if item.value in few.get((item.table, item.column), ())]
    places = {(item.table, item.column) for item in kinds}
    said = set(terms(request.question))
    if len(places) != 1 or any(said.issuperset(terms(value)) for place in places for value in few[place]):
        return ""
    names = list(dict.fromkeys(item.value for item in kinds))
    return f"{asked} have the {kinds[0].column} {' or '.join(names)}?"


def _as_asked(question: str, original: str) -> str:
    """Which things where the original asks which, and how many where it asks how many."""
    asked, meant = _ASKING.match(question), _ASKING.match(original)
    if not asked or not meant or asked["form"].lower() == meant["form"].lower():
        return question
    if terms(meant["thing"])[-1:] != terms(asked["thing"])[-1:]:
        return question
    return f"{meant['form'].capitalize()}{question[asked.end('form') :]}"


def _as_stored(question: str, schema: Schema) -> str:
    """Units as the names of columns have them; and markets, where no name speaks of them, as countries or regions."""
    names = {part for table in schema.tables for column in table.columns for part in name_parts(column.name)}
    names |= {part for table in schema.tables for part in name_parts(table.name)}
    for unit, (smaller, factor) in _SMALLER.items():
        if smaller in names and stem(unit) not in names:
            question = re.sub(
                rf"(\d[\d,.]*)\s?{unit}s?\b", lambda found, f=factor, u=smaller: _scaled(found[1], f, u), question
            )
    meant = next((word for word in ("country", "region") if stem(word) in names), "")
    if not meant or stem("market") in names:
        return question
    plural = f"{meant[:-1]}ies" if meant.endswith("y") else f"{meant}s"
    return re.sub(r"\bmarkets\b", plural, re.sub(r"\bmarket\b", meant, question))


def _scaled(number: str, factor: int, unit: str) -> str:
    return f"{Decimal(number.replace(',', '')) * factor:f} {unit}"


def _with_states(question: str, request: SqlRequest) -> str:
    """The question with the states of things that it lost: of "open claims" only the rule may leave claims."""
    for state, thing in _STATE.findall(request.question):
        if state.lower() not in f"{question} {request.rule}".lower():
            question = re.sub(rf"\b{re.escape(thing)}\b", f"{state} {thing}", question, count=1, flags=re.I)
    return question


def _forgotten(question: str, request: SqlRequest, values: Sequence[ValueMatch]) -> dict[str, list[str]]:
    """By column, values that the request names and the question does not, of tables that the question names.

    Only those of columns with few of them: titles and names are found in too many words.
    """
    said, asked = set(terms(question)), set(terms(request.question))
    about = {stem(word) for word in words_of(question)}
    few = few_values(request.schema)
    found: dict[str, list[str]] = {}
    for match in values:
        words = set(terms(match.value))
        if (
            match.value in few.get((match.table, match.column), ())
            and words <= asked
            and not words & said
            and about.intersection(name_parts(match.table))
        ):
            found.setdefault(match.column, []).append(match.value)
    return found


def _asked(fact: str, question: str) -> str:
    return f"Fact: {fact}\nQuestion: {question}"


def _table_text(table: SchemaTable) -> str:
    keys = {name for key in table.foreign_keys for name in key.columns} | set(table.primary_key)
    names = [column.name for column in table.columns if column.name not in keys]
    return f"{table.name}({', '.join(names)})"
