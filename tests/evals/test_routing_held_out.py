"""The router is scored on domains that its weights never saw."""

from __future__ import annotations

from collections import Counter

import pytest

from evals import routing_sources
from evals.hybrid import HELD_OUT, READ
from evals.routing_held_out import asked, domains, held_out_sources
from evals.routing_sources import FOLDER, UNSEEN, evidence_for, read_questions
from service.domain.questions import Route
from service.models.catalog import MINILM
from service.models.store import ModelStore


def test_every_domain_asks_all_routes_and_is_held_out() -> None:
    assert domains()
    assert set(domains()) <= {*READ, *HELD_OUT}
    for domain in domains():
        routes = Counter(item.route for item in asked(domain))
        assert routes == {Route.DOCUMENTS: 6, Route.SQL: 6, Route.HYBRID: 12}
        assert {item.group for item in asked(domain)} == {domain}


def test_the_weights_are_not_fitted_on_them() -> None:
    fitted_on = routing_sources.domains()
    assert not set(fitted_on) & set(domains())
    trained = {
        item.question
        for name in (*fitted_on, UNSEEN)
        for item in read_questions(FOLDER / name / "questions.jsonl", name)
    }
    questions = [item.question for domain in domains() for item in asked(domain)]
    assert len(set(questions)) == len(questions)
    assert not trained & set(questions)


@pytest.mark.anyio
@pytest.mark.skipif(not ModelStore().is_installed(MINILM), reason="run `ragsql models pull` first")
@pytest.mark.parametrize("domain", domains())
async def test_a_domain_has_its_own_document_and_database(domain: str) -> None:
    async with held_out_sources(domain) as assembly:
        found = [await evidence_for(assembly, item.question) for item in asked(domain)[:2]]
    assert all(item.documents is not None and item.database is not None for item in found)
