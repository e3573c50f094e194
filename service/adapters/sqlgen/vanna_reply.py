"""What a model may reply to vanna's prompt: a bare statement, one fenced block, or an explanation why there is none."""

from __future__ import annotations

import re

from service.adapters.sqlgen.reply import Declined

_FENCE = re.compile(r"```(?:\w+[ \t]*\n)?(.*?)```", re.DOTALL)
_CANNOT = re.compile(r"^\s*CANNOT:\s*", re.MULTILINE)
_STATEMENT = re.compile(
    r"^(?:--[^\n]*\n|\s)*\(*\s*(select|with|insert|update|delete|drop|create|alter|truncate|grant|merge|pragma)\b",
    re.IGNORECASE,
)
_ANY_SQL = re.compile(r"\bselect\b.+\bfrom\b|intermediate_sql", re.IGNORECASE | re.DOTALL)


def parse_vanna_reply(text: str) -> str | Declined | None:
    """The SQL, a Declined, or None when it is not clear which statement is meant."""
    blocks = _FENCE.findall(text)
    if "intermediate_sql" in text or text.count("```") not in (0, 2):
        return None
    if blocks:
        return blocks[0].strip().rstrip(";").strip() or None
    plain = text.strip().rstrip(";").strip()
    if not plain or "```" in plain:
        return None
    if _STATEMENT.match(plain):
        return plain
    if _ANY_SQL.search(plain):
        return None
    return Declined(_CANNOT.sub("", plain, count=1)[:300])
