"""Finish the answer that waited for its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import DocumentState, Span
from service.domain.questions import Answer, FinishedSql, Question, Usage
from service.domain.sql import SqlResult
from service.errors import NotFound, UpstreamUnavailable
from service.ports import RecordStore
from service.usecases.answer_from_both import AnswerFromBoth
from service.usecases.compose_answer import compose, with_rows
from service.usecases.phrase_rows import PhraseRows

GONE = "The part of the answer that rested on {names} is left out: deleted or replaced since the question was asked."


@dataclass(frozen=True, slots=True)
class FinishAnswer:
    """What Query would have answered, had the statement been allowed to run at once.

    both is None where documents are not asked again.
    """

    records: RecordStore
    phrase: PhraseRows
    both: AnswerFromBoth | None = None

    async def __call__(self, caller: Caller, result: SqlResult) -> FinishedSql:
        """The rows in words, then the half that the statement was stored with, as far as its documents still are."""
        said, usage = await self.phrase(caller, result)
        half = await self.records.get_half(caller, result.statement.id)
        if half is not None:
            living = await self._living(caller, half)
            half, spent = await self._about_rows(caller, result, half) if living is half else (living, Usage())
            usage += spent
        answer = with_rows(half, said, result)
        await self.records.save_answer(caller, answer.id, result.statement.question)
        return FinishedSql(result, answer, usage)

    async def _about_rows(self, caller: Caller, result: SqlResult, half: Answer) -> tuple[Answer, Usage]:
        """The half anew where the documents had to wait for what the rows name, out of the documents it cites."""
        cited = tuple(dict.fromkeys(citation.document_id for citation in half.citations))
        if not cited or self.both is None:
            return half, Usage()
        question = Question(result.statement.question, documents=cited)
        try:
            read = await self.both.ask_documents(caller, question, result.table)
        except UpstreamUnavailable:
            return half, Usage()
        if read is None or not read[0]:
            return half, read[1].usage if read else Usage()
        return replace(compose(read[0]), id=half.id), read[1].usage

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
