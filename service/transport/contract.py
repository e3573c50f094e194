"""The contract as data: its descriptors with HTTP annotations and comments, which generated code leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from google.protobuf.message import Message

from ragsql.v1 import error_reason_pb2

PACKAGE = "ragsql.v1"

_HTTP: Any = annotations_pb2.http


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One way to reach a method by plain HTTP. body is "*" for the whole message, a field's name, or empty."""

    service: str
    method: MethodDescriptorProto
    verb: str
    path: str
    body: str


@cache
def image() -> bytes:
    """The serialised FileDescriptorSet, imports and comments included."""
    folder = Path(error_reason_pb2.__file__).parents[1]
    return (folder / "contract.binpb").read_bytes()


@cache
def files() -> FileDescriptorSet:
    """The parsed image, imports first."""
    return FileDescriptorSet.FromString(image())


def http_rules() -> Iterator[HttpRule]:
    """Every HTTP annotation, in the order of the contract."""
    for file in files().file:
        for service in file.service:
            for method in service.method:
                if method.options.HasExtension(_HTTP):
                    rule = cast(http_pb2.HttpRule, method.options.Extensions[_HTTP])
                    yield _rule(f"{file.package}.{service.name}", method, rule)


def _rule(service: str, method: MethodDescriptorProto, rule: http_pb2.HttpRule) -> HttpRule:
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom" or rule.additional_bindings or rule.response_body:
        raise ValueError(f"{service}.{method.name}: this form of HTTP annotation is not supported.")
    return HttpRule(service, method, verb.upper(), getattr(rule, verb), rule.body)


@cache
def types() -> dict[str, DescriptorProto | EnumDescriptorProto]:
    """The top-level messages and enums of the contract by full name."""
    own = [file for file in files().file if file.package == PACKAGE]
    kinds = [kind for file in own for kind in (*file.message_type, *file.enum_type)]
    return {f"{PACKAGE}.{kind.name}": kind for kind in kinds}


@cache
def comments() -> dict[str, str]:
    """The comment above everything that has one, by full name."""
    found: dict[str, str] = {}
    for file in files().file:
        if file.package == PACKAGE:
            for location in file.source_code_info.location:
                if text := location.leading_comments:
                    found[_full_name(file, location.path)] = _unwrap(text)
    return found


def _full_name(file: FileDescriptorProto, path: Sequence[int]) -> str:
    """A path alternates field numbers of descriptors and indexes: (4, 0, 2, 1) is message_type[0].field[1]."""
    names, node = [file.package], cast(Message, file)
    for number, index in zip(path[::2], path[1::2], strict=False):
        node = getattr(node, node.DESCRIPTOR.fields_by_number[number].name)[index]
        names.append(node.name)
    return ".".join(names)


def _unwrap(comment: str) -> str:
    paragraphs = re.split(r"\n\s*\n", comment.strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
