"""Finish the answer that waited for its rows."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import DocumentState, Span
from service.domain.questions import Answer, FinishedSql
from service.domain.sql import SqlResult
from service.errors import NotFound
from service.ports import RecordStore
from service.usecases.phrase_rows import PhraseRows

GONE = "The part of the answer that rested on {names} is left out: deleted or replaced since the question was asked."


@dataclass(frozen=True, slots=True)
class FinishAnswer:
    """What Query would have answered, had the statement been allowed to run at once."""

    records: RecordStore
    phrase: PhraseRows

    async def __call__(self, caller: Caller, result: SqlResult) -> FinishedSql:
        """The rows in words, then the half that the statement was stored with, as far as its documents still are."""
        said, usage = await self.phrase(caller, result)
        half = await self.records.get_half(caller, result.statement.id)
        answer = with_rows(await self._living(caller, half) if half else None, said, result)
        await self.records.save_answer(caller, answer.id, result.statement.question)
        return FinishedSql(result, answer, usage)

    async def _living(self, caller: Caller, half: Answer) -> Answer:
        gone = {c.document_id: c.filename for c in half.citations if not await self._is_there(caller, c.document_id)}
        if not gone:
            return half
        text = ""
        kept = [citation for citation in half.citations if citation.document_id not in gone]
        for index, citation in enumerate(kept):
            said = "\n\n".join(half.text[span.start : span.end] for span in citation.answer_spans)
            text += f"\n\n{said}" if text else said
            kept[index] = replace(citation, answer_spans=(Span(len(text) - len(said), len(text)),))
        note = GONE.format(names=" and ".join(sorted(set(gone.values()))))
        return replace(half, text=f"{text}\n\n{note}" if text else note, citations=tuple(kept))

    async def _is_there(self, caller: Caller, document_id: str) -> bool:
        try:
            return (await self.records.get_document(caller, document_id)).state is DocumentState.ACTIVE
        except NotFound:
            return False


def with_rows(half: Answer | None, said: str, result: SqlResult) -> Answer:
    """The answer with what the rows say before all else."""
    time = dt.datetime.now(dt.UTC)
    if half is None:
        return Answer(uuid.uuid4().hex, said, time, (), (result,))
    shift = len(said) + 2
    citations = tuple(
        replace(citation, answer_spans=tuple(Span(s.start + shift, s.end + shift) for s in citation.answer_spans))
        for citation in half.citations
    )
    return replace(half, text=f"{said}\n\n{half.text}", create_time=time, citations=citations, sql_results=(result,))
