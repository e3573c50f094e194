"""What people teach the SQL generator, in the record layout of vanna: a namespace a kind, ids made of the content."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.domain.schema_linking import stem, words_of
from service.domain.sql import ExampleQuery, KnowledgeItem

LEAST_COSINE = 0.45
"""What 3 % of questions over another database reach with MiniLM, and 98 % with the nearest over the same one."""
LEAST_SHARE = 0.2
_NO_NAMESPACE = uuid.UUID(int=0)


class KnowledgeKind(StrEnum):
    """The kinds of items, by the names of their namespaces."""

    DDL = "ddl"
    DOCUMENTATION = "documentation"
    EXAMPLE = "sql"


_SUFFIXES = {KnowledgeKind.DDL: "ddl", KnowledgeKind.DOCUMENTATION: "doc", KnowledgeKind.EXAMPLE: "sql"}


@dataclass(frozen=True, slots=True)
class KnowledgeRecord:
    """An item as a vector store keeps it. metadata has one entry, under the name of the namespace."""

    id: str
    namespace: KnowledgeKind
    metadata: Mapping[str, str]


def kind_of(item: KnowledgeItem) -> KnowledgeKind:
    """Which of the three is set."""
    if item.example is not None:
        return KnowledgeKind.EXAMPLE
    return KnowledgeKind.DDL if item.ddl else KnowledgeKind.DOCUMENTATION


def knowledge_id(item: KnowledgeItem) -> str:
    """The id that vanna gives this content: the same item twice is one item."""
    return record_of(item).id


def record_of(item: KnowledgeItem) -> KnowledgeRecord:
    """The item in the layout of vanna's stores."""
    kind = kind_of(item)
    content = item.ddl or item.documentation
    if item.example is not None:
        content = json.dumps({"question": item.example.question, "sql": item.example.sql}, ensure_ascii=False)
    return KnowledgeRecord(f"{deterministic_uuid(content)}-{_SUFFIXES[kind]}", kind, {kind.value: content})


def item_of(record: KnowledgeRecord, create_time: dt.datetime) -> KnowledgeItem:
    """The inverse of record_of. Raises ValueError for a record of another layout."""
    try:
        content = record.metadata[record.namespace.value]
        if record.namespace is KnowledgeKind.EXAMPLE:
            pair = json.loads(content)
            return KnowledgeItem(record.id, create_time, example=ExampleQuery(pair["question"], pair["sql"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"The record {record.id} of {record.namespace} has no {error}.") from None
    if record.namespace is KnowledgeKind.DDL:
        return KnowledgeItem(record.id, create_time, ddl=content)
    return KnowledgeItem(record.id, create_time, documentation=content)


def deterministic_uuid(content: str) -> str:
    """The name-based UUID of the SHA-256 of a text, as vanna makes it."""
    return str(uuid.uuid5(_NO_NAMESPACE, hashlib.sha256(content.encode()).hexdigest()))


def text_of(item: KnowledgeItem) -> str:
    """What an item is found by: of an example the question."""
    return item.example.question if item.example else item.documentation or item.ddl


def stems_of(text: str) -> frozenset[str]:
    """The stems of the words that are longer than two letters."""
    return frozenset(stem(word) for word in words_of(text) if len(word) > 2)


def word_share(asked: frozenset[str], words: frozenset[str], kind: KnowledgeKind) -> float:
    """How many of the question's stems an item has, 0 to 1; an example must not have many others either."""
    if not asked or not words:
        return 0.0
    whole = asked | words if kind is KnowledgeKind.EXAMPLE else asked
    return len(asked & words) / len(whole)
