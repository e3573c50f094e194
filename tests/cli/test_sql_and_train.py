"""`ragsql sql`, `train` and `feedback` against a server whose answers are known."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ragsql.v1.knowledge_service_pb2 import ExampleQuery, KnowledgeItem
from service.cli import sql
from service.cli.knowledge_files import KnowledgeFileError, read, read_yaml, write_yaml
from service.cli.main import app
from tests.cli.conftest import Run
from tests.client.fake_server import FakeServices
from tests.client.fake_sql import FEEDBACK, STATEMENT

GOOD = """\
ddl:
  - CREATE TABLE a (b INT)
documentation:
  - |
    Revenue is net of refunds.
    It is in euro.
examples:
  - question: How many?
    sql: SELECT COUNT(*) FROM a
"""


def test_sql_is_shown_and_waits_without_a_terminal(run: Run, services: FakeServices) -> None:
    result = run("sql", "q")
    assert result.exit_code == 5
    assert "SELECT\n  name,\n  total\nFROM sums" in "\n".join(line.rstrip() for line in result.stdout.splitlines())
    assert "Selects sums." in result.stdout
    assert "Reads sums." in result.stdout
    assert STATEMENT.name in result.stderr
    assert services.executed == []


@pytest.mark.parametrize(("typed", "code", "runs"), [("y\n", 0, 1), ("n\n", 5, 0), ("\n", 5, 0)])
def test_sql_runs_what_a_person_agrees_to(
    url: str, services: FakeServices, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, runs: int
) -> None:
    monkeypatch.setattr(sql, "_is_asked", lambda: True)
    result = CliRunner().invoke(app, ["sql", "q", "--url", url], input=typed)
    assert "Run it? [y/N]" in result.stderr
    assert result.exit_code == code
    assert len(services.executed) == runs
    if runs:
        assert (services.executed[0].name, services.executed[0].etag) == (STATEMENT.name, STATEMENT.etag)
        assert "[bold]Ann[/bold]" in result.stdout
        assert "There are more rows than are shown." in result.stdout


def test_sql_runs_unasked_with_yes(run: Run, services: FakeServices) -> None:
    assert run("sql", "q", "--yes", "--max-rows", "7").exit_code == 0
    assert services.executed[0].max_rows == 7
    result = run("sql", "q", "--yes", "--csv")
    assert list(csv.reader(io.StringIO(result.stdout))) == [["name", "total"], ["[bold]Ann[/bold]", "12.50"],
                                                            ["Bob", ""]]  # fmt: skip
    assert "more rows" in result.stderr
    reply = json.loads(run("sql", "q", "--yes", "--json").stdout)
    assert reply["sqlResult"]["statement"]["sql"] == STATEMENT.sql
    assert reply["sqlResult"]["table"]["rows"][0]["values"][1] == {"decimalValue": "12.50"}


def test_sql_that_is_only_shown(run: Run, services: FakeServices) -> None:
    assert run("sql", "q", "--no-run").exit_code == 0
    result = run("sql", "q", "--json")
    assert (result.exit_code, json.loads(result.stdout)["sqlStatement"]["etag"]) == (5, "e1")
    assert services.executed == []
    assert run("sql", "q", "--no-run", "--yes").exit_code == 2
    assert run("sql", "q", "--csv", "--json").exit_code == 2
    refused = run("sql", "unknown")
    assert (refused.exit_code, refused.stderr) == (1, "No SQL was written: no table holds that.\n")


def test_train_imports_and_exports(run: Run, services: FakeServices, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.sql").write_text("CREATE TABLE c (d INT);\n")
    (tmp_path / "c.md").write_text("# Year\nIt begins in July.\n\n# Week\nIt begins on Monday.\n")
    files = [str(tmp_path / name) for name in ("a.yaml", "b.sql", "c.md")]
    assert run("train", *files).stdout == "6 learned, 0 known already.\n"
    assert services.taught[2] == KnowledgeItem(
        example_query=ExampleQuery(question="How many?", sql="SELECT COUNT(*) FROM a")
    )
    assert services.taught[4].documentation == "# Year\nIt begins in July."
    assert json.loads(run("train", files[0], "--json").stdout) == {"createdCount": 0, "knownCount": 3}
    out = tmp_path / "out.yaml"
    assert run("train", "--export", str(out)).stdout == f"6 written to {out}.\n"
    before, services.taught = services.taught, []
    assert run("train", str(out)).exit_code == 0
    assert sorted(map(str, services.taught)) == sorted(map(str, before))
    assert "documentation:\n- |\n  Revenue is net of refunds.\n  It is in euro.\n" in out.read_text()


def test_train_names_the_entry_and_keeps_nothing(run: Run, services: FakeServices, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD + "  - question: Which?\n    sql: SELECT nope FROM a\n")
    result = run("train", str(path))
    assert result.exit_code == 1
    assert f"{path}, line 10 (examples[1]): sql: There is no column nope." in result.stderr
    assert services.taught == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ddl: [a\n", "line 2: This is not YAML"),
        ("- a", "line 1: the file must be a mapping"),
        ("ddl: a", "line 1: ddl must be a list"),
        ("tables: [a]", "line 1: the file has 'tables'"),
        ("ddl: [a]\nddl: [b]", "line 2: the file has ddl twice"),
        ("documentation:\n- a\n- 12", "line 3: documentation[1] must be text"),
        ("documentation:\n- ' '", "line 2: documentation[0] is empty"),
        ("examples:\n- question: a", "line 2: examples[0] has no sql"),
        ("examples:\n- question: a\n  sql: b\n  note: c", "line 4: examples[0] has 'note'"),
        ("examples:\n- question: a\n  sql: [b]", "line 3: examples[0].sql must be text"),
        ("ddl: !!python/object:os.system [a]", "line 1: ddl must be a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_yaml_has_its_line(text: str, said: str) -> None:
    if "python" in text:
        assert [entry.item.ddl for entry in read_yaml(text, "f")] == ["a"]
        return
    with pytest.raises(KnowledgeFileError, match="f, ") as refused:
        read_yaml(text, "f")
    assert said in str(refused.value)


def test_files_of_other_kinds_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_text("a")
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    (tmp_path / "b.yaml").write_text("ddl:\n")
    for name in ("a.exe", "a.yaml"):
        with pytest.raises(KnowledgeFileError):
            read(tmp_path / name)
    assert "nothing in these files" in run("train", str(tmp_path / "b.yaml")).stderr
    assert run("train").exit_code == 2
    assert run("train", "a.yaml", "--export", "b.yaml").exit_code == 2


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())
ITEMS = st.one_of(
    TEXTS.map(lambda text: KnowledgeItem(ddl=text)),
    TEXTS.map(lambda text: KnowledgeItem(documentation=text)),
    st.tuples(TEXTS, TEXTS).map(lambda pair: KnowledgeItem(example_query=ExampleQuery(question=pair[0], sql=pair[1]))),
)


@settings(deadline=None)
@given(st.lists(ITEMS, max_size=6))
def test_what_is_exported_is_imported_exactly(items: list[KnowledgeItem]) -> None:
    again = [entry.item for entry in read_yaml(write_yaml(items), "f")]
    kinds = ["ddl", "documentation", "example_query"]
    assert again == sorted(items, key=lambda item: kinds.index(str(item.WhichOneof("kind"))))


def test_feedback_is_listed_and_promoted(run: Run, services: FakeServices) -> None:
    shown = run("feedback", "list").stdout
    assert FEEDBACK.name in shown
    assert "bad, by ann: How many?" in shown
    assert "SELECT 2" in shown
    assert json.loads(run("feedback", "list", "--json").stdout)[0]["correctedSql"] == "SELECT 2"
    assert run("feedback", "promote", FEEDBACK.name).stdout == "It is an example now: knowledgeItems/k-sql\n"
    assert services.promoted == [FEEDBACK.name]
    assert run("feedback", "list").stdout == "No feedback waits for review.\n"
    promoted = json.loads(run("feedback", "promote", FEEDBACK.name, "--json").stdout)
    assert promoted["promotion"]["principal"] == "rita"
    assert FEEDBACK.name in run("feedback", "list", "--all").stdout
