"""What decided a route, in one sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.domain.questions import Route
from service.domain.router_weights import WEIGHTS

if TYPE_CHECKING:
    from service.domain.routing import SourceEvidence

CUES = {
    "count": "asks how many or how much",
    "statistic": "asks for a statistic",
    "superlative": "asks for an extreme",
    "listing": "asks which or for a list",
    "names": "names somebody or something",
    "period": "names a period",
    "past": "asks what happened",
    "number": "has a number",
    "person": "asks for a person's own case",
    "indefinite": "asks about any case",
    "modal": "asks what may or must be done",
    "asked_leave": "asks for leave",
    "procedure": "asks how something is done",
    "term": "asks for a time limit",
    "condition": "sets a condition",
    "situation": "describes a situation",
    "measured": "measures something by a rule",
    "hypothesis": "asks what would or should be",
    "document": "speaks of a document",
    "quoted": "asks what is laid down",
    "database": "speaks of stored records",
    "unnamed": "rests on a name that only records hold",
    "row_and_rule_part": "has one part about rows and one about a rule",
    "two_row_parts": "has two parts about rows",
    "rows_only": "is about rows and no rule",
    "rules_only": "is about a rule and no rows",
    "listing_by_rule": "asks which rows a rule holds for",
    "count_by_rule": "counts by a rule",
    "named_by_rule": "puts a rule to somebody or something named",
    "rows_by_document": "holds rows against a document",
}
"""How the features of the wording read. Those that are not here never lead."""
MOST_CUES = 2
SHOWN_NAME = 60


def reason(route: Route, at: Mapping[str, float], evidence: SourceEvidence, *, told: bool = False) -> str:
    """The weightiest group comes first. at are the features in standard deviations from their mean.

    told says that a chat model was asked as well.
    """
    pull = {name: _advantage(route, name) * value for name, value in at.items()}
    wording = {name: value for name, value in pull.items() if name in CUES}
    groups = {
        _wording(wording, at): sum(wording.values()),
        _documents(evidence): _pull_of("documents_", pull) if evidence.documents else -1.0,
        _database(evidence): _pull_of("database_", pull) if evidence.database else -1.0,
    }
    first, *others = [text for text, _ in sorted(groups.items(), key=lambda item: -item[1])]
    if told:
        others.append("as it was close, a chat model was asked too")
    return f"{_TAKEN[route]}, mainly because {first} ({'; '.join(others)})."


_TAKEN = {
    Route.DOCUMENTS: "Documents answer this",
    Route.SQL: "The database answers this",
    Route.HYBRID: "Documents and the database answer this together",
}


def _advantage(route: Route, name: str) -> float:
    """What a feature adds to the route against the mean of the others."""
    others = [weights[name] for other, weights in WEIGHTS.items() if other != route]
    return WEIGHTS[route][name] - sum(others) / len(others)


def _pull_of(prefix: str, pull: Mapping[str, float]) -> float:
    return sum(value for name, value in pull.items() if name.startswith(prefix))


def _wording(pull: Mapping[str, float], at: Mapping[str, float]) -> str:
    leading = sorted((name for name in pull if pull[name] > 0 and at[name] > 0), key=lambda name: -pull[name])
    cues = " and ".join(CUES[name] for name in leading[:MOST_CUES])
    return f"the question {cues}" if cues else "nothing in the wording says more"


def _documents(evidence: SourceEvidence) -> str:
    if evidence.documents is None:
        return "no document is searchable"
    return f"the nearest passage, {_short(evidence.documents.place)}, fits to {evidence.documents.meaning:.2f}"


def _database(evidence: SourceEvidence) -> str:
    if evidence.database is None:
        return "no table can be read"
    stored = evidence.database.values
    named = f" and stores {_short(' and '.join(f'“{value}”' for value in stored[:MOST_CUES]))}" if stored else ""
    return f"the database, nearest in {_short(evidence.database.table)}, fits to {evidence.database.meaning:.2f}{named}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHOWN_NAME else f"{plain[: SHOWN_NAME - 1]}…"


def reason_for_unnamed(asked: str) -> str:
    """Why a question needs both that rests on a name of the database."""
    return f"The database has to say first: “{_short(asked)}”, and only the documents know what is asked of it."
