"""What the wording of a question alone says about where its answer lies: in rows, in a rule, or in both."""

from __future__ import annotations

import re
from collections.abc import Callable

_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
_TIMES = "last|this|next|previous|past"
_ASKING = (
    "what|who|whose|whom|how|is|are|was|were|do|does|did|has|have|when|where|which|whether|why|can|must|by (?:what|how)"
)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.I)


_COUNT = _words("how many|how much|number of|count|total|sum|altogether|amount of")
_STATISTIC = _words(
    r"average|mean|median|typical|share|percent(?:age)?|proportion|fraction|per \w+|rank|compare|comparison|distinct|"
    r"distribution|trend|monthly|yearly|split by|grouped? by|by (?:month|year|quarter|country|region|category|age)"
)
_NO_EXTREME = (
    r"(?:un)?rest|(?:at|con|de|pro)?test|guest|(?:dis)?interest|(?:re|be|con|in)?quest|forr?est|(?:mid|north|south)?west|"
    r"[cw]rest|arrest|chest|[jlnpvz]est|priest|(?:har|in|di)vest|digest|ingest|infest|suggest|manifest|modest|"
    r"(?:dis)?honest|earnest|ernest|tempest|molest|behest|everest|budapest|bucharest"
)
EXTREME = rf"(?:most|least|best|worst|top|bottom|(?!(?:{_NO_EXTREME})\b)[a-z]{{2,}}est)"
"""A word that picks out one or a few: a superlative, however it is formed."""
_SUPERLATIVE = _words(rf"{EXTREME}|last|first|ever|never|more|fewer|only")
_LISTING = re.compile(
    r"\W*(?:which|who|whose|list|name|show|where|rank|identify|find|count|give me (?:all|every|the|our|a list)|"
    r"are there|do we have|(?:is|are|was|were|did|has|have) any)\b",
    re.I,
)
_WE = _words("our|ours|us|we")
_PERSON = _words("i|my|me|mine|you|your")
_INDEFINITE = _words(r"somebody|someone|anybody|nobody|one|an?")
_MODAL = _words("can|could|may|must|shall|allowed|permitted|have to|has to|needs? to|necessary|possible|supposed to")
_ASKED_LEAVE = re.compile(
    r"\W*(?:can|may|must|do|should|will|shall|could|am|are)\s+(?:i|my|we|you|a|an|the|somebody|they)\b", re.I
)
_PROCEDURE = _words(
    r"what happens|what now|how (?:do|does|should|is|are|to|can)|explain|describe|summari[sz]e|outline|why|steps|"
    r"what (?:changed|is new)|which (?:section|chapter|clause|page|paragraph|document|form)|gist|"
    r"procedure|process|precautions|meant by|counts? as|responsible|covered?"
)
_TERM = _words(
    r"how (?:long|soon|early|fast|quickly|often|late|far)|by when|until when|when (?:do|does|is|are|must|should)"
)
_CONDITION = _words("if|when|once|unless|before")
_PAST = _words(r"did|was|were|had|have|has|been|sold|bought|paid|spent|earned|made|came|went|\w{3,}ed")
_PERIOD = _words(
    rf"(?:19|20)\d\d|{_MONTHS}|q[1-4]|(?:{_TIMES}) (?:year|month|quarter|week)(?:'s)?|yesterday|today|now|"
    r"at the moment|currently|so far"
)
_MEASURED = _words(
    r"enough|too \w+|qualif\w+|eligible|entitled|exceed\w*|breach\w*|violat\w+|meets?|met|due|overdue|in time|within|"
    r"because|(?:over|under|above|below|beyond|outside|inside|past) (?:the|their|its|his|her|our|what)|comply|"
    r"in line with|stay within|so (?:long|often|much|many|few)|expired?|run out|(?:by|in) mistake|should (?:not )?have|"
    r"than (?:\w+ ){0,5}(?:allow(?:s|ed)?|may|can|should|must|permit(?:s|ted)?|promise[sd]?|says?|limits?|foresees?|"
    r"recommend(?:s|ed)?|demands?|require[sd]?|agreed|planned)|"
    r"than (?:they|he|she|it|we|allowed)|so (?:big|large|late|high|low|heavy) that"
)
_HYPOTHESIS = _words("would|should|might|given|counting")
_DOCUMENT = _words(
    r"polic(?:y|ies)|handbook|guide(?:line)?s?|manual|rules?|terms|contracts?|agreement|document(?:ation|s)?|memo|plan|"
    r"paper|sla|standard|statutes?|according|section|chapter|clause|protocol|statement|charter|code of|regulations?|"
    r"scheme|programme|instructions?|targets?|goals?|sheet"
)
_QUOTED = _words(
    r"says?|defined?|described|set out|laid down|stated?|promised?|according to|going by|foresees?|explains?|"
    r"prescribes?|tells?|requires?|demands?|under the|"
    r"in (?:the|our) (?:\w+ )?(?:policy|handbook|manual|plan|agreement|guidelines?)"
)
_DATABASE = _words("database|tables?|records?|rows|on file|on our books|in (?:the|our) data|list all|show all")
_ENGLISH = _words(
    "the|of|what|which|who|whose|how|are|does|did|our|we|my|you|and|when|where|why|many|list|show|any|can|may|must|if|"
    "with|from|by|name|has|have|this|that|it|there|whom|for|still|about|required|able|average|total|top|number|"
    "compare|explain|describe|find|give"
)
PERIOD = re.compile(rf"(?:(?:{_MONTHS}|may) )?(?:19|20)\d\d", re.I)
"""A year, with its month where one stands before it."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_CLAUSE = re.compile(rf"(?:,|\s)\s*(?:and|but)\s+(?=(?:{_ASKING})\b)|,\s+(?=(?:{_ASKING})\b)", re.I)
_NUMBER = re.compile(r"\d")
_MAY = re.compile(r"(?<=\w )May\b")
_CAPITAL = re.compile(r"(?<![.!?] )(?<=\s)(?!I\b)[^\W\d_a-z]\w+")


def asked_part(text: str) -> str:
    """The last sentence that asks, or the last one: what stands before it is the situation."""
    parts = [part for part in _SENTENCE.split(text.strip()) if part]
    asking = [part for part in parts if part.endswith("?")]
    return (asking or parts or [""])[-1]


def clauses(text: str) -> list[str]:
    """The questions of a question: "What was sold, and what does the rule say?" as two."""
    return [clause for clause in _CLAUSE.split(text) if clause and clause.strip()]


def _any(*patterns: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: any(pattern.search(text) for pattern in patterns)


is_of_rows = _any(_COUNT, _STATISTIC, _SUPERLATIVE, _PERIOD)
is_of_rules = _any(_MODAL, _MEASURED, _HYPOTHESIS, _DOCUMENT, _QUOTED, _PROCEDURE)


def form(text: str) -> dict[str, float]:
    """The features of the wording by name, mostly 0 or 1. None where the wording is not English: it cannot be told."""
    if not _ENGLISH.search(text):
        return {}
    asked = _MAY.sub("June", asked_part(text))
    parts = clauses(asked)
    names = len(_CAPITAL.findall(asked))
    found = {
        "count": _COUNT,
        "statistic": _STATISTIC,
        "superlative": _SUPERLATIVE,
        "we": _WE,
        "person": _PERSON,
        "indefinite": _INDEFINITE,
        "modal": _MODAL,
        "procedure": _PROCEDURE,
        "term": _TERM,
        "condition": _CONDITION,
        "past": _PAST,
        "period": _PERIOD,
        "measured": _MEASURED,
        "hypothesis": _HYPOTHESIS,
        "document": _DOCUMENT,
        "quoted": _QUOTED,
        "database": _DATABASE,
        "number": _NUMBER,
    }
    held = {name: bool(pattern.search(asked)) for name, pattern in found.items()}
    listing = bool(_LISTING.match(asked))
    of_rows, of_rules = is_of_rows(asked), is_of_rules(asked)
    row_parts = [is_of_rows(part) and not is_of_rules(part) for part in parts]
    rule_parts = [is_of_rules(part) for part in parts]
    return {
        **{name: float(value) for name, value in held.items()},
        "listing": float(listing),
        "asked_leave": float(bool(_ASKED_LEAVE.match(asked))),
        "situation": float(len(asked) < len(text.strip()) - 2),
        "names": min(names, 2) / 2,
        "two_parts": float(len(parts) > 1),
        "two_row_parts": float(len(parts) > 1 and not any(rule_parts)),
        "row_and_rule_part": float(any(row_parts) and any(rule_parts)),
        "rows_only": float((of_rows or listing or names > 0) and not of_rules),
        "rules_only": float(of_rules and not (of_rows or listing or names > 0)),
        "listing_by_rule": float(listing and of_rules),
        "count_by_rule": float(held["count"] and (held["measured"] or held["hypothesis"] or held["document"])),
        "named_by_rule": float(names > 0 and (held["measured"] or held["hypothesis"] or held["modal"])),
        "rows_by_document": float((of_rows or listing) and (held["document"] or held["quoted"])),
    }
