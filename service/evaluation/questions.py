"""Questions to evaluate a server with: a JSONL file, checked before anything is asked.

Each line is an object; only question and one thing that can be checked are needed:
id, question, route (documents, sql, hybrid, or none where nothing answers), answer (for people), answer_regexes (each
must be found in the answer, without case), gold_rows, gold_sql, docs [{file, pages, evidence}] (each must be cited).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from service.evaluation.hashing import hash_of

ROUTES = ("documents", "sql", "hybrid", "none")
MAX_CHARACTERS = 4000
Rows = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that must be cited, on one of these pages (1-based) if there are any."""

    file: str
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """A question and what is expected. route is empty where any is right, gold_rows None where no rows are."""

    id: str
    question: str
    route: str = ""
    answer: str = ""
    answer_regexes: tuple[str, ...] = ()
    gold_sql: str = ""
    gold_rows: Rows | None = None
    sources: tuple[Source, ...] = ()


class BadQuestions(ValueError):
    """A file that cannot be asked. problems are sentences that begin with the file and the line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load(path: Path) -> list[EvalQuestion]:
    """The questions of a file. Raises BadQuestions with every problem, and OSError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadQuestions([f"{path}: This is not text in UTF-8."]) from None
    questions: list[EvalQuestion] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        entry, found = _entry(line)
        if not found:
            question = _question(entry)
            if question.id in seen:
                found = [f": id: {question.id!r} is that of line {seen[question.id]} too."]
            seen.setdefault(question.id, number)
            questions.append(question)
        problems += [f"{path}:{number}{problem}" for problem in found]
    if not questions and not problems:
        problems = [f"{path}: There is no question in this file."]
    if problems:
        raise BadQuestions(problems)
    return questions


def _entry(line: str) -> tuple[dict[str, Any], list[str]]:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        return {}, [f":{error.colno}: This is not JSON: {error.msg}."]
    if not isinstance(entry, dict):
        return {}, [': Each line must be an object, as in {"question": "…"}.']
    entry = cast(dict[str, Any], entry)
    return entry, [f": {problem}" for problem in (*_wrong_fields(entry), *_wrong_together(entry))]


def _question(entry: Mapping[str, Any]) -> EvalQuestion:
    rows = entry.get("gold_rows")
    return EvalQuestion(
        entry.get("id") or f"q-{hash_of(entry['question'].encode())[:8]}",
        entry["question"],
        entry.get("route") or "",
        entry.get("answer") or "",
        tuple(entry.get("answer_regexes") or ()),
        entry.get("gold_sql") or "",
        None if rows is None else tuple(map(tuple, rows)),
        tuple(Source(item["file"], tuple(item.get("pages") or ())) for item in entry.get("docs") or ()),
    )


def _wrong_fields(entry: Mapping[str, Any]) -> Iterator[str]:
    if "question" not in entry:
        yield "question: Required."
    for name, value in entry.items():
        if name not in _CHECKS:
            near = difflib.get_close_matches(name, _CHECKS, 1)
            meant = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(_CHECKS)}."
            yield f"{name}: There is no such field. {meant}"
        elif (value is not None or name == "question") and (problem := _CHECKS[name](value)):
            yield f"{name}: {problem}"


def _wrong_together(entry: Mapping[str, Any]) -> Iterator[str]:
    expected = [name for name in ("answer_regexes", "gold_rows", "gold_sql", "docs") if entry.get(name) is not None]
    if not expected and not entry.get("route"):
        yield "Nothing here can be checked. Say one of route, answer_regexes, gold_rows, gold_sql, docs."
    for name in expected if entry.get("route") == "none" else ():
        if entry[name]:
            yield f"{name}: The route is none, so no answer is expected and there is nothing to compare."


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "Must be text."


def _asked(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        return "Must be text that is not empty."
    return f"Must have at most {MAX_CHARACTERS} characters." if len(value) > MAX_CHARACTERS else ""


def _route(value: object) -> str:
    return "" if value in ROUTES else f"Must be one of {', '.join(ROUTES)}, not {value!r}."


def _patterns(value: object) -> str:
    if not isinstance(value, list) or not value:
        return "Must be a list of regular expressions."
    for pattern in cast(list[object], value):
        try:
            re.compile(cast(str, pattern))
        except (re.error, TypeError) as error:
            return f"{pattern!r} is no regular expression: {error}."
    return ""


def _rows(value: object) -> str:
    rows = cast(list[object], value) if isinstance(value, list) else [value]
    if not all(isinstance(row, list) for row in rows):
        return 'Must be a list of rows, each a list of values, as in [["Ann", 3]].'
    widths = {len(row) for row in cast(list[list[object]], rows)}
    return "" if len(widths) < 2 else f"Rows must have the same length; these have {sorted(widths)}."


def _sources(value: object) -> str:
    right = isinstance(value, list) and all(map(_is_source, cast(list[Any], value)))
    return "" if right else 'Must be a list of sources, as in [{"file": "a.pdf", "pages": [3]}], pages from 1.'


def _is_source(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(cast(dict[str, Any], value).get("file"), str):
        return False
    pages: object = cast(dict[str, Any], value).get("pages") or []
    return isinstance(pages, list) and all(type(page) is int and page > 0 for page in cast(list[object], pages))


def _anything(value: object) -> str:
    return ""


_CHECKS: dict[str, Callable[[object], str]] = {
    "id": _text,
    "question": _asked,
    "route": _route,
    "answer": _text,
    "answer_regexes": _patterns,
    "gold_sql": _text,
    "gold_rows": _rows,
    "docs": _sources,
    "gold_sql_pg": _anything,
    "gold_columns": _anything,
    "note": _anything,
}
