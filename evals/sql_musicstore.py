"""How many SQL and hybrid questions get the right rows: a JSONL of questions against a database, one model.

python -m evals.sql_musicstore QUESTIONS.jsonl DATABASE_URL --base-url http://127.0.0.1:8089/v1 [--route sql] [--json]
Hybrid questions get their first gold evidence as the rule. Rows are compared as the data's README says: the same
values, order only where the gold SQL orders, extra columns allowed, numbers to 2 decimals.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import decimal
import itertools
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.sql_chat import OpenAIEvalChat
from service.adapters.databases.open import open_database
from service.adapters.sqlgen.prompt import PromptSqlGenerator
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import ExecutionLimits
from service.errors import RagsqlError
from service.ports import CannotAnswer, Database, SqlRequest

_MAX_COLUMN_CHOICES = 5000


def cell(value: object) -> object:
    """A value as it is compared: numbers to 2 decimals, dates as text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        return round(float(value), 2)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


def same_rows(gold: Sequence[Sequence[object]], rows: Sequence[Sequence[object]], ordered: bool) -> bool:
    """Whether some choice of columns of rows equals gold."""
    if len(gold) != len(rows):
        return False
    if not gold:
        return True
    width = len(gold[0])
    wanted = [tuple(cell(v) for v in row) for row in gold]
    have = [tuple(cell(v) for v in row) for row in rows]
    for choice in itertools.islice(itertools.permutations(range(len(have[0])), width), _MAX_COLUMN_CHOICES):
        picked = [tuple(row[i] for i in choice) for row in have]
        if picked == wanted or (not ordered and sorted(picked, key=repr) == sorted(wanted, key=repr)):
            return True
    return False


async def ask(generator: PromptSqlGenerator, database: Database, question: dict[str, Any]) -> dict[str, Any]:
    """One question's statement, rows, and whether they are right."""
    rule = question["docs"][0]["evidence"] if question["docs"] else ""
    schema = await database.schema(DEFAULT_CALLER)
    started = time.perf_counter()
    result: dict[str, Any] = {"id": question["id"], "question": question["question"], "right": False, "sql": ""}
    try:
        draft = await generator.generate(DEFAULT_CALLER, SqlRequest(question["question"], schema, rule=rule))
        result["seconds"] = round(time.perf_counter() - started, 2)
        if isinstance(draft, CannotAnswer):
            return result | {"problem": f"CANNOT: {draft.reason}"}
        result |= {"sql": draft.sql, "confidence": draft.confidence, "tokens": draft.usage.input_tokens}
        table = await database.execute(DEFAULT_CALLER, draft.sql, ExecutionLimits())
        gold_sql = question["gold_sql"].upper()
        rows = [list(row) for row in table.rows]
        result["right"] = same_rows(question["gold_rows"], rows, "ORDER BY" in gold_sql.rpartition(")")[2])
        result["rows"] = str([[cell(v) for v in row] for row in rows[:6]])
    except RagsqlError as error:
        result |= {"problem": error.message, "seconds": round(time.perf_counter() - started, 2)}
    return result


async def run(path: Path, url: str, base_url: str, model: str, routes: Sequence[str]) -> list[dict[str, Any]]:
    """All questions of the routes, one after another."""
    database = open_database(url)
    generator = PromptSqlGenerator(OpenAIEvalChat(base_url, model), database)
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    chosen = [question for question in questions if question["route"] in routes]
    results: list[dict[str, Any]] = []
    for question in chosen:
        result = {"route": question["route"], **await ask(generator, database, question)}
        results.append(result)
        show(result)
    return results


def show(result: dict[str, Any]) -> None:
    """One line, and two more for a failure, to stderr: a run takes minutes."""
    text = f"{'ok ' if result['right'] else 'BAD'} {result['id']} {result['seconds']}s {result['question']}"
    if not result["right"]:
        text += f"\n    {result.get('problem', '')} {result['sql']}\n    {result.get('rows', '')}"
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Show every result as it comes, then print the score of each route; --json prints everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("database_url")
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", default="local")
    parser.add_argument("--route", action="append", choices=("sql", "hybrid"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    routes = args.route or ["sql", "hybrid"]
    results = asyncio.run(run(args.questions, args.database_url, args.base_url, args.model, routes))
    if args.json:
        print(json.dumps(results, ensure_ascii=False, indent=1))
        return
    for route in routes:
        mine = [result for result in results if result["route"] == route]
        seconds = statistics.median(result["seconds"] for result in mine) if mine else 0.0
        print(f"{route}: {sum(r['right'] for r in mine)}/{len(mine)} right, p50 {seconds:.1f} s")


if __name__ == "__main__":
    main()
