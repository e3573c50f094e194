"""The model that says which unit of a passage answers a question, or that none does.

A cross-encoder: question and passage go through all-MiniLM-L6-v2 together, fine-tuned so that three numbers a token
tell the answering unit from the others. service/models/answers says what it was trained on and how good it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.domain.chunk_text import headings_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from service.domain.documents import Chunk, Span

    Scores = npt.NDArray[np.float32]

WEIGHTS = Path(__file__).parents[2] / "models" / "answers" / "answers-int8.onnx"
VERSION = "answers-2"

_LONGEST_QUESTION = 64
_LONGEST_HEADINGS = 40
_LONGEST = 160
_LEAST = -20.0


class AnswerModel:
    """A loaded model that works on one core, safe to use from several threads. tokenizer is all-MiniLM-L6-v2's."""

    def __init__(self, tokenizer: Any) -> None:
        from service.adapters.embedders.minilm_encoder import open_session

        self._tokenizer = tokenizer
        self._session = open_session(WEIGHTS)

    def log_probabilities(self, question: str, chunk: Chunk) -> tuple[float, ...]:
        """The logarithm of the probability that each unit answers. A long chunk is read in windows below its headings.

        Windows are as long as the passages that the model learnt from: in longer ones it tells less well what answers.
        """
        asked: list[int] = self._tokenizer.encode(question).ids[:_LONGEST_QUESTION]
        above = self._tokenizer.encode(headings_text(chunk.headings), add_special_tokens=False).ids[:_LONGEST_HEADINGS]
        encoding = self._tokenizer.encode(chunk.text, add_special_tokens=False)
        before = [*asked, *above]
        found: list[float] = []
        places = _places(encoding.offsets, chunk.units)
        for first, last, units in _windows(places, len(encoding.ids), _LONGEST - len(before) - 1):
            scores = self._scores([*before, *encoding.ids[first:last], self._end])
            found += _log_softmax(scores, [(s - first + len(before), e - first + len(before)) for s, e in units])
        return tuple(found)

    @property
    def _end(self) -> int:
        return self._tokenizer.token_to_id("[SEP]")

    def _scores(self, ids: Sequence[int]) -> Scores:
        """Three numbers a token, shape (tokens, 3)."""
        import numpy as np

        tokens = np.array([ids], np.int32)
        (scores,) = self._session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
        return scores[0]


def _places(offsets: Sequence[tuple[int, int]], units: Sequence[Span]) -> list[tuple[int, int]]:
    """The tokens [first, last) of each unit. Units come in order; one without a token gets an empty range."""
    places: list[tuple[int, int]] = []
    token = 0
    for unit in units:
        while token < len(offsets) and offsets[token][1] <= unit.start:
            token += 1
        first = token
        while token < len(offsets) and offsets[token][0] < unit.end:
            token += 1
        places.append((first, token))
    return places


def _windows(
    places: Sequence[tuple[int, int]], tokens: int, limit: int
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Ranges of at most limit tokens and of like length, each with its units; a unit that is longer loses its end."""
    if tokens <= limit:
        yield 0, tokens, list(places)
        return
    aim = tokens / math.ceil(tokens / limit)
    start = 0
    while start < len(places):
        first, end = places[start][0], start + 1
        while end < len(places) and places[end][1] - first <= limit and places[end - 1][1] - first < aim:
            end += 1
        last = min(places[end - 1][1], first + limit)
        yield first, last, [(min(s, last), min(e, last)) for s, e in places[start:end]]
        start = end


def _log_softmax(scores: Scores, units: Sequence[tuple[int, int]]) -> list[float]:
    """Over the units and "none", which the first token stands for."""
    logits = [float(scores[0, 0])]
    logits += [float(scores[s:e, 1].mean() + scores[s:e, 2].max()) if s < e else -math.inf for s, e in units]
    highest = max(logits)
    total = highest + math.log(sum(math.exp(logit - highest) for logit in logits))
    return [max(_LEAST, logit - total) for logit in logits[1:]]
