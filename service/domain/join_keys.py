"""Joins along foreign keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from service.domain.sql import ForeignKey


def equals(key: ForeignKey, owner: str, target: str) -> list[exp.Expr]:
    """The equalities of a foreign key between two aliases."""
    from sqlglot import exp

    return [
        exp.EQ(this=exp.column(own, table=owner), expression=exp.column(other, table=target))
        for own, other in zip(key.columns, key.target_columns, strict=True)
    ]
