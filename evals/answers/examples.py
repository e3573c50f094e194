"""Questions over single passages, with the units that answer them, from SQuAD 2.0, TAT-QA and a set of our own."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.domain.sentences import sentences
from service.domain.terms import terms
from service.domain.units import CELL_SEPARATOR

SQUAD_FILES = ("dev-v2.0.json", "train-10-articles.json")
OWN = Path(__file__).parents[1] / "data" / "reading"
LONGEST = 1300

_Passage = tuple[tuple[str, ...], str, tuple[tuple[int, int], ...], int]


@dataclass(frozen=True, slots=True)
class Example:
    """gold holds the indexes of the units that answer, none where nothing does. Examples of one group stay together.

    kind is "answer", "absent" (asked about this very passage, which does not say it) or "elsewhere".
    """

    group: str
    kind: str
    question: str
    headings: tuple[str, ...]
    text: str
    units: tuple[tuple[int, int], ...]
    gold: tuple[int, ...]


def squad(folder: Path, chosen: random.Random) -> Iterator[Example]:
    """Each question with its paragraph and, six times in ten, with the likeliest other one of the article."""
    for file in SQUAD_FILES:
        for article in json.loads((folder / file).read_text())["data"]:
            texts = [paragraph["context"] for paragraph in article["paragraphs"]]
            score = _bm25(texts)
            title = article["title"].replace("_", " ")
            for index, paragraph in enumerate(article["paragraphs"]):
                for asked in paragraph["qas"]:
                    headings = (title,) if chosen.random() < 0.5 else ()
                    yield from _squad_examples(title, headings, texts, index, asked, score, chosen)


def _squad_examples(
    title: str,
    headings: tuple[str, ...],
    texts: Sequence[str],
    index: int,
    asked: dict[str, Any],
    score: Callable[[str], list[float]],
    chosen: random.Random,
) -> Iterator[Example]:
    question = asked["question"].strip()
    absent = asked.get("is_impossible", False)
    answers = [answer["text"].lower() for answer in asked["answers"]]
    units = _sentences(texts[index])
    starts = [] if absent else [answer["answer_start"] for answer in asked["answers"]]
    gold = tuple(i for i, (s, e) in enumerate(units) if any(s <= start < e for start in starts))
    if absent or gold:
        yield Example(title, "absent" if absent else "answer", question, headings, texts[index], units, gold)
    if chosen.random() < 0.6:
        scores = score(question)
        for other in sorted(range(len(texts)), key=lambda i: -scores[i])[:5]:
            if other != index and not any(answer in texts[other].lower() for answer in answers):
                yield Example(title, "elsewhere", question, headings, texts[other], _sentences(texts[other]), ())
                return


def tatqa(path: Path) -> Iterator[Example]:
    """Questions whose answer is a span: of a paragraph, or of one row of the table."""
    for number, report in enumerate(json.loads(path.read_text())):
        rows = [CELL_SEPARATOR.join(" ".join(cell.split()) for cell in row) for row in report["table"]["table"]]
        table = "\n".join(rows)
        lines = _lines(rows)
        paragraphs = {str(p["order"]): p["text"] for p in report["paragraphs"] if len(p["text"]) < LONGEST}
        for asked in report["questions"]:
            if asked["answer_type"] not in ("span", "multi-span"):
                continue
            answer = asked["answer"][0] if isinstance(asked["answer"], list) else asked["answer"]
            group, question = f"tatqa {number}", asked["question"]
            if asked["answer_from"] == "text":
                for order in asked["rel_paragraphs"]:
                    text = paragraphs.get(order, "")
                    units = _sentences(text)
                    gold = tuple(i for i, (s, e) in enumerate(units) if answer in text[s:e])
                    if gold:
                        yield Example(group, "answer", question, (), text, units, gold)
            elif len(table) < LONGEST:
                cells = [[cell.strip() for cell in table[s:e].split(CELL_SEPARATOR)] for s, e in lines]
                gold = tuple(i for i, row in enumerate(cells) if answer in row)
                if len(gold) == 1:
                    yield Example(group, "answer", question, (), table, lines, gold)


def own() -> Iterator[Example]:
    """Every question of evals/data/reading with every passage of its document."""
    for path in sorted(OWN.glob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines()):
            document: dict[str, Any] = json.loads(line)
            passages = [_own_passage(document["title"], passage) for passage in document["passages"]]
            for asked in document["questions"]:
                for index, (headings, text, units, shift) in enumerate(passages):
                    gold = tuple(u - shift for p, u in asked["units"] if p == index and u >= shift)
                    kind = "answer" if gold else "elsewhere" if asked["units"] else "absent"
                    yield Example(f"own {path.stem}{number}", kind, asked["q"], headings, text, units, gold)


def own_runs(chosen: random.Random) -> Iterator[Example]:
    """The same questions over one to four neighbouring passages, as long as the chunks of real documents are.

    Each question comes with a run that holds its answer, if there is one, and with one that does not.
    """
    for path in sorted(OWN.glob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines()):
            document: dict[str, Any] = json.loads(line)
            passages = [_own_passage(document["title"], passage) for passage in document["passages"]]
            for asked in document["questions"]:
                group, answering = f"own {path.stem}{number}", [p for p, _ in asked["units"]]
                for within in (True, False) if answering else (False, False):
                    run = _run(len(passages), answering, within, chosen)
                    if run:
                        yield _joined(group, asked, passages, run, chosen)


def _run(count: int, answering: Sequence[int], within: bool, chosen: random.Random) -> range | None:
    """Neighbouring passages, of which one answers or none does; None where there are no such ones."""
    runs = [range(first, last) for first in range(count) for last in range(first + 1, min(first + 4, count) + 1)]
    fitting = [run for run in runs if any(passage in run for passage in answering) == within]
    return chosen.choice(fitting) if fitting else None


def _joined(
    group: str, asked: dict[str, Any], passages: Sequence[_Passage], run: range, chosen: random.Random
) -> Example:
    text, units, gold = "", list[tuple[int, int]](), list[int]()
    for index in run:
        _, own_text, own_units, shift = passages[index]
        text += "\n\n" if text else ""
        gold += [len(units) + u - shift for p, u in asked["units"] if p == index and u >= shift]
        units += [(len(text) + start, len(text) + end) for start, end in own_units]
        text += own_text
    headings = passages[run[0]][0][: chosen.choice((1, 2, 3))]
    kind = "answer" if gold else "elsewhere" if asked["units"] else "absent"
    return Example(group, kind, asked["q"], headings, text, tuple(units), tuple(gold))


def _own_passage(title: str, passage: dict[str, Any]) -> _Passage:
    """Headings, text, units, and how many leading units of the file are none here: the header of a table."""
    separator = {"table": "\n", "list": "\n\n"}.get(passage["kind"], " ")
    units: list[tuple[int, int]] = []
    position = 0
    for unit in passage["units"]:
        units.append((position, position + len(unit)))
        position += len(unit) + len(separator)
    header = int(passage["kind"] == "table")
    return (title, *passage["headings"]), separator.join(passage["units"]), tuple(units[header:]), header


def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((sentence.start, sentence.end) for sentence in sentences(text))


def _lines(rows: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The rows below the header."""
    ends = [match.span() for match in re.finditer(r"[^\n]+", "\n".join(rows))]
    return tuple(ends[1:])


def _bm25(texts: Sequence[str]) -> Callable[[str], list[float]]:
    counts = [Counter(terms(text)) for text in texts]
    frequency = Counter(term for count in counts for term in count)
    lengths = [count.total() for count in counts]
    mean = sum(lengths) / len(lengths)

    def score(question: str) -> list[float]:
        scores = [0.0] * len(texts)
        for term in set(terms(question)) & frequency.keys():
            rarity = math.log(1 + (len(texts) - frequency[term] + 0.5) / (frequency[term] + 0.5))
            for i, count in enumerate(counts):
                if term in count:
                    scores[i] += rarity * count[term] * 2.2 / (count[term] + 1.2 * (0.25 + 0.75 * lengths[i] / mean))
        return scores

    return score
