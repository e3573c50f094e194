"""`ragsql eval`, run in this process against a server whose answers are known."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from tests.cli.conftest import Run

RIGHT = {"id": "days", "question": "How long?", "route": "hybrid", "answer_regexes": ["fourteen"]}
WRONG = {"id": "weeks", "question": "How many weeks?", "answer_regexes": ["two weeks"]}
NOTHING = {"id": "none", "question": "unknown", "route": "none"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*lines: dict[str, Any]) -> str:
    Path("shop.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return "shop.jsonl"


def test_it_says_how_many_are_right_and_keeps_the_run(run: Run, folder: Path) -> None:
    result = run("eval", write(RIGHT, WRONG, NOTHING))
    assert result.exit_code == 0
    assert "2/3" in result.stdout
    assert "weeks: How many weeks?\n    the text misses the expected pattern" in result.stdout
    assert "There is no earlier run to compare with." in result.stdout
    pages = list((folder / "ragsql-results").iterdir())
    assert sorted(page.suffix for page in pages) == [".html", ".json"]
    assert all("How many weeks?" in page.read_text() for page in pages)


def test_a_question_that_turned_wrong_fails(run: Run) -> None:
    assert run("eval", write(RIGHT, WRONG)).exit_code == 0
    same = run("eval", write(RIGHT, WRONG))
    assert same.exit_code == 0
    assert "nothing changed beyond noise" in same.stdout
    worse = run("eval", write({**RIGHT, "answer_regexes": ["fifteen"]}, WRONG))
    assert worse.exit_code == 1
    assert "now wrong  days: How long?" in worse.stdout
    better = run("eval", write({**RIGHT, "answer_regexes": ["fourteen", "days"]}, WRONG), "--json")
    assert better.exit_code == 0
    kept = json.loads(better.stdout)
    assert (kept["right"], kept["questions"], len(kept["changes"][0]["newly_right"])) == (1, 2, 1)


@pytest.mark.parametrize(("least", "code"), [("0.5", 0), ("0.6", 1), ("1.5", 2)])
def test_a_share_can_be_demanded(run: Run, least: str, code: int) -> None:
    result = run("eval", write(RIGHT, WRONG), "--at-least", least)
    assert result.exit_code == code
    assert ("1 of 2 are right, and at least 60% should be." in result.stderr) is (code == 1)


def test_a_wrong_file_is_said_before_anything_is_asked(run: Run, folder: Path) -> None:
    result = run("eval", write(RIGHT, {"question": "q", "rout": "sql"}))
    assert result.exit_code == 2
    assert "shop.jsonl:2: rout: There is no such field. Did you mean route?" in result.stderr
    assert not (folder / "ragsql-results").exists()
    assert run("eval", "absent.jsonl").exit_code == 2


def test_gold_sql_is_run_where_its_database_is_named(run: Run, folder: Path) -> None:
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.execute("CREATE TABLE t (name TEXT, total NUMERIC)")
        connection.execute("INSERT INTO t VALUES ('[bold]Ann[/bold]', 12.5), ('Bob', NULL)")
    question = {"question": "Sums?", "gold_sql": "SELECT name, total FROM t"}
    alone = run("eval", write(question))
    assert alone.exit_code == 2
    assert "gold_sql: Add gold_rows, or name the database" in alone.stderr
    database = f"sqlite:///{folder}/shop.db"
    assert "1/1" in run("eval", write(question), "--database", database).stdout
    wrong = run("eval", write({**question, "gold_sql": "SELECT nothing FROM t"}), "--database", database)
    assert wrong.exit_code == 2
    assert "gold_sql" in wrong.stderr


def test_nobody_answers(folder: Path) -> None:
    result = CliRunner().invoke(app, ["eval", write(RIGHT), "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 4
    assert not (folder / "ragsql-results").exists()
