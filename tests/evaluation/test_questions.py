"""Files of questions are checked to the line, and answers by what a line expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragsql.v1.answer_pb2 import Answer, Citation, Route, Routing, SqlResult
from ragsql.v1.query_service_pb2 import NoAnswer, PendingSql, QueryResponse, Usage
from ragsql.v1.sql_statement_pb2 import SqlStatement
from ragsql.v1.table_pb2 import Row, Table, Value
from service.evaluation.asking import graded
from service.evaluation.questions import BadQuestions, EvalQuestion, Source, load
from service.evaluation.reports import Confidence


def write(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def problem(path: Path, *lines: object) -> str:
    with pytest.raises(BadQuestions) as refused:
        load(write(path / "q.jsonl", *lines))
    return str(refused.value).replace(f"{path}/", "")


def test_the_sets_of_this_repository_are_right() -> None:
    assert [question.route for question in load(Path("evals/data/musicstore.jsonl"))].count("hybrid") == 10
    assert {question.route for question in load(Path("evals/data/no_answer.jsonl"))} == {"none"}


def test_a_line_needs_a_question_and_one_thing_to_check(tmp_path: Path) -> None:
    line = {"question": "Who?", "docs": [{"file": "a.pdf", "pages": [3], "evidence": "x"}], "gold_rows": [["Ann", 3]]}
    short = {"question": "b", "route": "sql"}
    first, second = load(write(tmp_path / "q.jsonl", "\ufeff" + json.dumps(line), "", short))
    assert (first.sources, first.gold_rows) == ((Source("a.pdf", (3,)),), (("Ann", 3),))
    assert first.id != second.id
    assert load(write(tmp_path / "q.jsonl", short))[0].id == second.id


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "q.jsonl:1:2: This is not JSON"),
        ("3", "q.jsonl:1: Each line must be an object"),
        ({"route": "sql"}, "q.jsonl:1: question: Required."),
        ({"question": "  ", "route": "sql"}, "q.jsonl:1: question: Must be text that is not empty."),
        ({"question": "q" * 4001, "route": "sql"}, "question: Must have at most 4000 characters."),
        ({"question": "q", "rout": "sql"}, "q.jsonl:1: rout: There is no such field. Did you mean route?"),
        ({"question": "q", "zzz": 1, "route": "sql"}, "zzz: There is no such field. Known are id, question"),
        ({"question": "q", "route": "docs"}, "route: Must be one of documents, sql, hybrid, none, not 'docs'."),
        ({"question": "q", "answer_regexes": ["("]}, "answer_regexes: '(' is no regular expression"),
        ({"question": "q", "answer_regexes": "a"}, "answer_regexes: Must be a list of regular expressions."),
        ({"question": "q", "gold_rows": [1]}, "gold_rows: Must be a list of rows"),
        ({"question": "q", "gold_rows": [[1], [1, 2]]}, "gold_rows: Rows must have the same length"),
        ({"question": "q", "docs": [{"pages": [1]}]}, "docs: Must be a list of sources"),
        ({"question": "q", "docs": [{"file": "a", "pages": [0]}]}, "docs: Must be a list of sources"),
        ({"question": "q"}, "q.jsonl:1: Nothing here can be checked."),
        ({"question": "q", "route": "none", "gold_rows": [[1]]}, "gold_rows: The route is none"),
        ("", "q.jsonl: There is no question in this file."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, line: object, said: str) -> None:
    assert said in problem(tmp_path, line)


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    good = {"id": "a", "question": "q", "route": "sql"}
    said = problem(tmp_path, good, {"question": "q", "route": "x", "id": 3}, good, "[").splitlines()
    assert [line.split(": ")[0] for line in said] == ["q.jsonl:2", "q.jsonl:2", "q.jsonl:3", "q.jsonl:4:2"]
    assert "'a' is that of line 1 too" in said[2]
    (tmp_path / "q.jsonl").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(BadQuestions, match="not text in UTF-8"):
        load(tmp_path / "q.jsonl")


def answered(text: str = "", rows: list[list[int]] | None = None, *cited: Citation, **more: Any) -> QueryResponse:
    table = Table(rows=[Row(values=[Value(int_value=cell) for cell in row]) for row in rows or []])
    results = [] if rows is None else [SqlResult(statement=SqlStatement(sql="SELECT 1"), table=table)]
    routing = Routing(route=Route.ROUTE_SQL, confidence=0.75)
    return QueryResponse(routing=routing, answer=Answer(text=text, citations=cited, sql_results=results), **more)


PAGE = Citation(filename="a.pdf", first_page=2, last_page=3, quote="never above 85")
DECLINED = QueryResponse(no_answer=NoAnswer(hint="Upload it."))
PENDING = QueryResponse(pending_sql=PendingSql(sql_statement=SqlStatement(sql="SELECT 2")))


@pytest.mark.parametrize(
    ("expected", "response", "said"),
    [
        ({"route": "none"}, DECLINED, ""),
        ({"route": "none"}, answered("Yes."), "answered although"),
        ({"route": "sql"}, DECLINED, "declined although"),
        ({"gold_rows": ((1,),)}, PENDING, "waits for approval"),
        ({"gold_rows": ((1, 2),)}, answered(rows=[[1, 2, 3]]), ""),
        ({"gold_rows": ((1, 2),)}, answered(rows=[[1, 3]]), "wrong rows"),
        (
            {"gold_rows": ((1,), (2,)), "gold_sql": "SELECT a FROM t ORDER BY a"},
            answered(rows=[[2], [1]]),
            "wrong rows",
        ),
        ({"gold_rows": ((1,), (2,)), "gold_sql": "SELECT a FROM t"}, answered(rows=[[2], [1]]), ""),
        ({"gold_rows": ((7,),), "route": "hybrid"}, answered("It is 7."), ""),
        ({"gold_rows": ((7,),), "route": "sql"}, answered("It is 7."), "no rows came"),
        ({"gold_rows": ((7,),), "route": "sql", "answer_regexes": ("x",)}, answered("", [[7]]), ""),
        ({"route": "sql", "answer_regexes": (r"\b7\b",)}, answered("It is 7."), ""),
        ({"answer_regexes": ("SEVEN", "x")}, answered("seven"), "misses the expected pattern"),
        ({"sources": (Source("a.pdf"),)}, answered("x", None, PAGE), ""),
        ({"sources": (Source("a.pdf", (3, 9)),)}, answered("x", None, PAGE), ""),
        ({"sources": (Source("a.pdf", (4,)),)}, answered("x", None, PAGE), "a.pdf is not cited on page 4"),
        ({"sources": (Source("b.pdf"),)}, answered("x", None, PAGE), "b.pdf is not cited"),
    ],
)
def test_an_answer_is_right_by_what_is_expected(expected: dict[str, Any], response: QueryResponse, said: str) -> None:
    outcome = graded(EvalQuestion("q", "?", **expected), response, 0.5, {})
    assert outcome.right is not bool(said)
    assert said in outcome.problem


def test_a_quote_must_stand_where_the_text_is_known() -> None:
    question = EvalQuestion("q", "?", answer_regexes=("x",))
    assert graded(question, answered("x", None, PAGE), 0.5, {"a.pdf": "It is never  above 85."}).right
    assert "does not stand" in graded(question, answered("x", None, PAGE), 0.5, {"a.pdf": "It is."}).problem


def test_an_outcome_tells_what_came_and_what_it_cost() -> None:
    usage = Usage(
        input_tokens=5, output_tokens=6, embedding_tokens=7, cost_usd=0.5, models=["m"], unpriced_models=["m"]
    )
    response = answered("Seven.", [[7]], PAGE, usage=usage, cache_hit=True)
    outcome = graded(EvalQuestion("q", "?", "documents", "7", gold_rows=((7,),)), response, 0.5, {})
    assert outcome.confidences == (Confidence("routing", 0.75, False),)
    assert (outcome.got, outcome.expected, outcome.sql) == ("Seven.; rows [(7)]", "7; rows [(7)]", "SELECT 1")
    assert (outcome.citations, outcome.cached, outcome.seconds) == (("a.pdf 2–3",), True, 0.5)
    assert (outcome.input_tokens, outcome.cost_usd, outcome.models, outcome.unpriced) == (5, 0.5, ("m",), ("m",))
    assert graded(EvalQuestion("q", "?", "none"), DECLINED, 0.5, {}).confidences == ()
