"""What a model is told when its statement fails: the precise error and the nearest real names."""

from __future__ import annotations

import difflib
import re

from service.domain.schema_linking import name_parts
from service.domain.sql import Schema
from service.ports import ChatMessage

_MAX_TABLES = 25


def repairing(reply: str, problem: str, schema: Schema) -> list[ChatMessage]:
    """The failed reply, and what is wrong with it."""
    return [ChatMessage("assistant", reply), ChatMessage("user", repair_text(problem, schema))]


def repair_text(problem: str, schema: Schema) -> str:
    """What was wrong with the last statement, and the nearest real names."""
    names = _nearest_names(problem, schema)
    hint = f" Real names: {', '.join(names)}." if names else ""
    return f"That SQL fails: {problem}{hint} Write a different, corrected ```sql block."


def _nearest_names(problem: str, schema: Schema) -> list[str]:
    """Real names that are spelled like the ones quoted in a problem."""
    wanted = re.findall(r"'([^']+)'|(?:table|column:?) (?:\w+\.)?(\w+)", problem)
    names = {f"{t.name}.{c.name}": c.name for t in schema.tables for c in t.columns} | {
        t.name: t.name for t in schema.tables
    }
    if "no table" in problem:
        return [table.name for table in schema.tables][:_MAX_TABLES]
    lowered = {full: short.lower() for full, short in names.items()}
    found: list[str] = []
    for first, second in wanted[:3]:
        name = first or second
        close = set(difflib.get_close_matches(name.lower(), set(lowered.values()), n=3, cutoff=0.6))
        parts = set(name_parts(name))
        found.extend(full for full, short in lowered.items() if short in close)
        found.extend(full for full, short in names.items() if parts.intersection(name_parts(short)))
    return list(dict.fromkeys(found))[:8]
