"""Files that teach the SQL generator: YAML with lists, SQL with definitions, Markdown and text with documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ragsql.v1.knowledge_service_pb2 import KnowledgeItem

if TYPE_CHECKING:
    import yaml

KINDS = ("ddl", "documentation", "examples")
_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
_HEADING = re.compile(r"^(?=#{1,6}\s)", re.MULTILINE)


class KnowledgeFileError(Exception):
    """What is wrong with which entry, in a sentence that begins with the file and the line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item and where it stands, such as `shop.yaml, line 4 (examples[1])`."""

    place: str
    item: KnowledgeItem


def read(path: Path) -> list[Entry]:
    """The entries of a file, by its ending. Raises KnowledgeFileError and OSError."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise KnowledgeFileError(f"{path}: This is not UTF-8 text.") from None
    match path.suffix.lower():
        case ".yaml" | ".yml":
            return read_yaml(text, str(path))
        case ".sql":
            return [Entry(str(path), KnowledgeItem(ddl=text.strip()))] if text.strip() else []
        case ".md" | ".txt":
            sections = [part.strip() for part in _HEADING.split(text)]
            return [Entry(f"{path}, section {i}", KnowledgeItem(documentation=part))
                    for i, part in enumerate(sections, 1) if part]  # fmt: skip
        case _:
            raise KnowledgeFileError(f"{path}: Only .yaml, .yml, .sql, .md and .txt can be read.")


def read_yaml(text: str, name: str) -> list[Entry]:
    """The entries of a YAML file, in its order. Raises KnowledgeFileError."""
    import yaml

    compose: Callable[..., yaml.Node | None] = cast(Any, yaml).compose
    try:
        root = compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise KnowledgeFileError(f"{name}{line}: This is not YAML: {getattr(error, 'problem', error)}.") from None
    except RecursionError:
        raise KnowledgeFileError(f"{name}: It is nested too deeply.") from None
    if root is None:
        return []
    entries: list[Entry] = []
    for kind, node in _fields(root, KINDS, name, "the file"):
        for index, child in enumerate(_items(node, name, kind)):
            place = f"{_at(child, name)} ({kind}[{index}])"
            entries.append(Entry(place, _item(kind, child, name, f"{kind}[{index}]")))
    return entries


def write_yaml(items: Iterable[KnowledgeItem]) -> str:
    """YAML that read_yaml reads back exactly: lists of ddl, documentation and examples, long texts as they are."""
    import yaml

    lists: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for item in items:
        match item.WhichOneof("kind"):
            case "ddl":
                lists["ddl"].append(item.ddl)
            case "documentation":
                lists["documentation"].append(item.documentation)
            case _:
                lists["examples"].append({"question": item.example_query.question, "sql": item.example_query.sql})

    class Dumper(yaml.SafeDumper):
        """Texts of several lines in block style."""

    Dumper.add_representer(str, _text_node)
    shown = {kind: items for kind, items in lists.items() if items}
    return yaml.dump(shown, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=110) if shown else ""


def _text_node(dumper: Any, text: str) -> Any:
    # Line ends that YAML folds into others survive only between double quotes, where they are escaped.
    style = '"' if _OTHER_LINE_ENDS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _item(kind: str, node: yaml.Node, name: str, entry: str) -> KnowledgeItem:
    if kind == "ddl":
        return KnowledgeItem(ddl=_text(node, name, entry))
    if kind == "documentation":
        return KnowledgeItem(documentation=_text(node, name, entry))
    fields = {field: _text(value, name, f"{entry}.{field}")
              for field, value in _fields(node, ("question", "sql"), name, entry)}  # fmt: skip
    item = KnowledgeItem()
    for field in ("question", "sql"):
        if field not in fields:
            raise KnowledgeFileError(f"{_at(node, name)}: {entry} has no {field}.")
        setattr(item.example_query, field, fields[field])
    return item


def _fields(node: yaml.Node, known: Sequence[str], name: str, what: str) -> Iterator[tuple[str, yaml.Node]]:
    """The keys and values of a mapping that has no others than the known, each once."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise KnowledgeFileError(f"{_at(node, name)}: {what} must be a mapping of {', '.join(known)}.")
    seen: set[str] = set()
    for key, value in node.value:
        field = key.value if isinstance(key, yaml.ScalarNode) else ""
        if field not in known:
            raise KnowledgeFileError(f"{_at(key, name)}: {what} has {field!r}; it may have {', '.join(known)}.")
        if field in seen:
            raise KnowledgeFileError(f"{_at(key, name)}: {what} has {field} twice.")
        seen.add(field)
        yield field, value


def _items(node: yaml.Node, name: str, kind: str) -> list[yaml.Node]:
    import yaml

    if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise KnowledgeFileError(f"{_at(node, name)}: {kind} must be a list.")
    return node.value


def _text(node: yaml.Node, name: str, entry: str) -> str:
    import yaml

    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
        raise KnowledgeFileError(f"{_at(node, name)}: {entry} must be text. Put it in quotes.")
    if not node.value.strip():
        raise KnowledgeFileError(f"{_at(node, name)}: {entry} is empty.")
    return node.value


def _at(node: yaml.Node, name: str) -> str:
    return f"{name}, line {node.start_mark.line + 1}"
