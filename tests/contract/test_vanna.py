"""vanna itself: our records are laid out as its own stores lay them out, and it can run nothing."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from vanna.legacy.utils import deterministic_uuid as vannas_uuid  # pyright: ignore

from service import setting_checks, settings
from service.adapters.sqlgen.reply import Declined
from service.adapters.sqlgen.vanna_reply import parse_vanna_reply
from service.adapters.sqlgen.vanna_session import open_session
from service.domain.knowledge import KnowledgeKind, deterministic_uuid, item_of, record_of
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import SettingsError

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@hypothesis_settings(deadline=None)
@given(TEXTS)
def test_ids_are_vannas(text: str) -> None:
    assert deterministic_uuid(text) == vannas_uuid(text)


@hypothesis_settings(deadline=None)
@given(TEXTS, TEXTS)
def test_records_are_laid_out_as_in_vannas_index(first: str, second: str) -> None:
    ddl = record_of(KnowledgeItem("", NOW, ddl=first))
    assert (ddl.id, ddl.namespace, ddl.metadata) == (f"{vannas_uuid(first)}-ddl", "ddl", {"ddl": first})
    documentation = record_of(KnowledgeItem("", NOW, documentation=first))
    assert (documentation.id, documentation.namespace) == (f"{vannas_uuid(first)}-doc", "documentation")
    assert documentation.metadata == {"documentation": first}
    example = record_of(KnowledgeItem("", NOW, example=ExampleQuery(first, second)))
    content = json.dumps({"question": first, "sql": second}, ensure_ascii=False)
    assert (example.id, example.namespace) == (f"{vannas_uuid(content)}-sql", "sql")
    assert example.metadata == {"sql": content}
    assert item_of(example, NOW).example == ExampleQuery(first, second)


def session() -> Any:
    return open_session("sqlite", lambda _: "SELECT 1;")


def test_training_goes_into_the_namespaces(capsys: pytest.CaptureFixture[str]) -> None:
    vanna = session()
    items = [
        KnowledgeItem("", NOW, ddl="CREATE TABLE a (b)"),
        KnowledgeItem("", NOW, documentation="B is big."),
        KnowledgeItem("", NOW, example=ExampleQuery("How big?", "SELECT b FROM a")),
    ]
    vanna.learn(items)
    vanna.learn(items)
    assert vanna.get_related_ddl("q") == ["CREATE TABLE a (b)"]
    assert vanna.get_related_documentation("q") == ["B is big."]
    assert vanna.get_similar_question_sql("q") == [{"question": "How big?", "sql": "SELECT b FROM a"}]
    trained = vanna.get_training_data()
    assert list(trained["id"]) == [record_of(item).id for item in items]
    assert list(trained["training_data_type"]) == [kind.value for kind in KnowledgeKind]
    assert vanna.remove_training_data(record_of(items[0]).id)
    assert not vanna.remove_training_data("unknown")
    assert vanna.get_related_ddl("q") == []
    vanna.write("How big is it?")
    prompt = vanna.prompt
    assert prompt[0].content.startswith("You are a SQLite expert.")
    assert "===Additional Context \n\nB is big." in prompt[0].content
    assert [message.role for message in prompt] == ["system", "user", "assistant", "user"]
    assert capsys.readouterr() == ("", "")


def test_it_runs_nothing() -> None:
    vanna = session()
    connects = [name for name in dir(vanna) if name.startswith("connect_to_")]
    assert len(connects) >= 8
    for name in ("ask", "run_sql", "generate_plotly_code", "get_plotly_figure", *connects):
        with pytest.raises(RuntimeError, match="runs nothing"):
            getattr(vanna, name)("SELECT 1")
    with pytest.raises(NotImplementedError):
        vanna.generate_embedding("a")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("SELECT 1 FROM a;", "SELECT 1 FROM a"),
        ("-- a comment\nselect 1", "-- a comment\nselect 1"),
        ("Here it is:\n```sql\nSELECT 1;\n```\nDone.", "SELECT 1"),
        ("```\nSELECT 1\n```", "SELECT 1"),
        ("DROP TABLE a", "DROP TABLE a"),
        ("```sql\nSELECT 1\n```\n```sql\nSELECT 2\n```", None),
        ("SELECT 1 -- intermediate_sql", None),
        ("I would SELECT b FROM a.", None),
        ("  ", None),
        ("I have no table of plays.", Declined("I have no table of plays.")),
    ],
)
def test_replies(text: str, parsed: str | Declined | None) -> None:
    assert parse_vanna_reply(text) == parsed


def test_a_missing_extra_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load({"SQL_GENERATOR": "vanna"}).sql_generator == "vanna"
    find = util.find_spec
    monkeypatch.setattr(setting_checks, "find_spec", lambda name: None if name == "vanna" else find(name))  # pyright: ignore
    with pytest.raises(SettingsError) as refused:
        settings.load({"SQL_GENERATOR": "vanna"})
    assert "ragsql[vanna]" in refused.value.problems["SQL_GENERATOR"]


def test_it_is_imported_only_when_it_is_used() -> None:
    code = "import sys, service.adapters.sqlgen.vanna; print('vanna' in sys.modules, 'pandas' in sys.modules)"
    path = f"{ROOT}:{ROOT / 'gen'}"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False False"
