from __future__ import annotations

import pytest

from evals.sql_generation import ask_all
from evals.suites import suites
from service import samples
from service.adapters.databases.open import open_database
from service.domain.questions import Usage
from service.errors import SqlNotGenerated
from service.evaluation.questions import EvalQuestion
from service.evaluation.reports import Confidence, Outcome
from service.ports import CannotAnswer, SqlDraft
from tests.answers.conftest import ScriptedGenerator

pytestmark = pytest.mark.anyio
QUESTION = EvalQuestion("q", "How many artists are there?", "sql", gold_rows=((275,),))
USAGE = Usage(10, 5, models=("somebody's",))


async def ask(reply: SqlDraft | CannotAnswer | Exception) -> Outcome:
    (outcome,) = await ask_all(ScriptedGenerator(reply), open_database(samples.DATABASE_URL), [QUESTION])
    return outcome


def draft(sql: str) -> SqlDraft:
    return SqlDraft(sql, ("Artist",), "", USAGE, 0.75)


async def test_rows_decide_whether_a_statement_is_right() -> None:
    right = await ask(draft("SELECT COUNT(*) FROM Artist"))
    assert (right.right, right.confidences) == (True, (Confidence("sql", 0.75, True),))
    assert (right.input_tokens, right.models, right.unpriced) == (10, ("somebody's",), ("somebody's",))
    wrong = await ask(draft("SELECT COUNT(*) FROM Album"))
    assert (wrong.problem, wrong.got, wrong.confidences[0].right) == ("wrong rows", "[('347',)]", False)


async def test_a_statement_that_fails_and_one_that_is_not_written_are_wrong() -> None:
    broken = await ask(draft("SELECT nothing FROM Artist"))
    assert broken.problem
    assert broken.confidences == (Confidence("sql", 0.75, False),)
    declined = await ask(CannotAnswer("No table holds it.", USAGE))
    assert (declined.problem, declined.confidences) == ("declined: No table holds it.", ())
    failed = await ask(SqlNotGenerated("No valid SQL."))
    assert (failed.problem, failed.models, failed.right) == ("No valid SQL.", (), False)


def test_the_small_sets_need_no_folder() -> None:
    names = [suite.name for suite in suites(None, None)]
    assert names[:5] == ["retrieval", "sql", "hybrid", "musicstore", "no answer"]
    assert len(names) == len(set(names))
