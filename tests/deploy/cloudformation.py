"""The templates in deploy/ as Python values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text: Any = loader.construct_scalar(node)
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_multi_constructor("!", _function)  # pyright: ignore[reportUnknownMemberType]


def load(name: str) -> dict[str, Any]:
    return yaml.load((DEPLOY / name).read_text(), _Loader)


TEMPLATE = load("template.yaml")
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def properties(name: str) -> dict[str, Any]:
    return RESOURCES[name]["Properties"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    found = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == kind}
    assert found, kind
    return found


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from leaves(each)
    else:
        yield value


def as_list(value: Any) -> list[Any]:
    return [*value] if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownArgumentType]


def statements(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy, with the resource that it stands in."""

    def found(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            yield from value.get("Statement", ())  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            for each in value.values():  # pyright: ignore[reportUnknownVariableType]
                yield from found(each)
        elif isinstance(value, list):
            for each in value:  # pyright: ignore[reportUnknownVariableType]
                yield from found(each)

    for name, resource in template["Resources"].items():
        for statement in found(resource):
            yield name, statement
