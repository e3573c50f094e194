from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from service.domain.questions import Route
from service.domain.routing import SourceEvidence, choose, features, probabilities


@given(st.text(max_size=200), st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 9))
def test_probabilities_add_up(text: str, passage: float, schema: float, values: int) -> None:
    by_route = probabilities(features(text, SourceEvidence(passage, schema, values)))
    assert math.isclose(sum(by_route.values()), 1, rel_tol=1e-9)
    assert set(by_route) == {Route.DOCUMENTS, Route.SQL, Route.HYBRID}


def test_what_the_sources_hold_moves_the_same_question() -> None:
    question = "How many days?"
    written = probabilities(features(question, SourceEvidence(passage=0.8, schema=0.1, values=0)))
    stored = probabilities(features(question, SourceEvidence(passage=0.1, schema=0.6, values=2)))
    assert written[Route.DOCUMENTS] > stored[Route.DOCUMENTS]
    assert stored[Route.SQL] > written[Route.SQL]


def test_the_reason_names_the_evidence() -> None:
    routing = choose("What happens if it breaks?", SourceEvidence(0.8, 0.1, 0, "warranty.pdf"))
    assert routing.route is Route.DOCUMENTS
    assert "warranty.pdf" in routing.reason
    assert routing.reason.endswith(".")
    assert 1 / 3 < routing.confidence <= 1
