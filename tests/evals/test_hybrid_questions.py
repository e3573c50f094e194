"""The questions for documents and database together say what their sources say."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evals.documents_text import plain_text
from evals.hybrid import HELD_OUT, QUESTIONS, READ, domains, sources_of
from evals.routing_sources import SAMPLE
from service import samples
from service.evaluation.questions import load

DOMAINS = domains()


@pytest.mark.parametrize("domain", DOMAINS)
def test_gold_rows_and_evidence_are_what_the_sources_hold(domain: str, tmp_path: Path) -> None:
    if domain == SAMPLE:
        url, documents = samples.DATABASE_URL, list(samples.DOCUMENTS)
    else:
        settings, documents = sources_of(domain, tmp_path / "database.sqlite")
        url = settings["DATABASE_URL"]
    texts = {path.name: re.sub(r"[\s|]+", "", plain_text(path)) for path in documents}
    lines = (QUESTIONS / f"{domain}.jsonl").read_text().splitlines()
    assert len(lines) == len(load(QUESTIONS / f"{domain}.jsonl"))
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        for line in lines:
            item = json.loads(line)
            assert [list(row) for row in connection.execute(item["gold_sql"])] == item["gold_rows"]
            for source in item["docs"]:
                assert re.sub(r"[\s|]+", "", source["evidence"]) in texts[source["file"]]


def test_a_domain_is_held_out_and_others_were_read() -> None:
    assert {*HELD_OUT, *READ} < set(DOMAINS)
    assert not set(HELD_OUT) & set(READ)
