"""What a model may reply: one fenced sql block, or a line that declines."""

from __future__ import annotations

import re
from dataclasses import dataclass

GRAMMAR = r"""root ::= "```sql\n" [^`]+ "```" | "CANNOT: " [^\n]+"""
"""The same in GBNF, for models that can be held to it."""

_FENCE = re.compile(r"```sql[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_CANNOT = re.compile(r"^\s*CANNOT:\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Declined:
    """The model's own reason not to write SQL."""

    reason: str


def parse_reply(text: str) -> str | Declined | None:
    """The SQL of the only fenced block, a Declined, or None when the reply is neither."""
    blocks = _FENCE.findall(text)
    if len(blocks) == 1 and text.count("```") == 2:
        sql = blocks[0].strip().rstrip(";").strip()
        return sql or None
    declined = _CANNOT.search(text)
    if declined and not blocks:
        return Declined(declined[1].strip()[:300])
    return None
