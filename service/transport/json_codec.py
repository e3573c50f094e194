"""Messages to and from JSON, by the proto3 JSON mapping.

Reading refuses unknown fields by name. Writing is compact and shows fields that have their default value. It walks a
plan made once per message type, because the generic writer costs as much as the rest of a request.
"""

from __future__ import annotations

import json
import math
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from service.errors import FieldViolation, InvalidRequest
from service.transport.refusals import MalformedRequest

M = TypeVar("M", bound=Message)
Convert = Callable[[Any], Any]

_LONG = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
_KINDS = {
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_STRING: "a string",
    FieldDescriptor.CPPTYPE_MESSAGE: "an object",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
}
_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class JsonCodec:
    """The codec of content type application/json."""

    def name(self) -> str:
        return "json"

    def encode(self, message: Message) -> bytes:
        return write_json(message)

    def decode(self, data: bytes | bytearray, message_class: type[M]) -> M:
        """Raises a ConnectError that names every wrong field."""
        from service.transport.errors import to_wire

        message = message_class()
        try:
            read_json(bytes(data), message)
        except (InvalidRequest, MalformedRequest) as error:
            raise to_wire(error) from None
        return message


def write_json(message: Message) -> bytes:
    """The message as compact UTF-8 JSON."""
    return _dump(_to_dict(message)).encode()


def read_json(data: bytes, message: Message) -> None:
    """Fill message. Raises InvalidRequest when fields are to blame, else MalformedRequest."""
    value = _load(data)
    if value and not _parses(value, message):
        if problems := list(_problems(value, _descriptor(message), "")):
            raise InvalidRequest(*problems)
        name = message.DESCRIPTOR.full_name
        raise MalformedRequest(f"The body is not a {name}: it sets a field twice, or two of which only one may be set.")


def read_value(name: str, value: Any, message: Message) -> None:
    """Set one field from its JSON value. Raises InvalidRequest."""
    if not _parses({name: value}, message):
        raise InvalidRequest(*_problems({name: value}, _descriptor(message), ""))


def _load(data: bytes) -> dict[str, Any]:
    try:
        value = _decoder.decode(data.decode())
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"The body is not JSON: it goes wrong at {place}.") from None
    except (UnicodeDecodeError, RecursionError):
        raise MalformedRequest("The body is not JSON in UTF-8, or it is nested too deeply.") from None
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise MalformedRequest("The body has a field twice.")
    return value


_decoder = json.JSONDecoder(object_pairs_hook=_unique)


def _parses(value: dict[str, Any], message: Message) -> bool:
    try:
        json_format.ParseDict(value, message)
    except (json_format.ParseError, ValueError, TypeError, AttributeError):
        return False
    return True


def _problems(value: dict[str, Any], descriptor: Descriptor, prefix: str) -> Iterator[FieldViolation]:
    fields = {field.json_name: field for field in descriptor.fields} | dict(descriptor.fields_by_name)
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(sorted(descriptor.fields_by_name)) or "none"
            yield FieldViolation(prefix + name, f"There is no such field. The fields are: {known}.")
        elif field.message_type and not field.is_repeated and isinstance(item, dict):
            yield from _problems(cast("dict[str, Any]", item), field.message_type, f"{prefix}{field.name}.")
        elif not _parses({name: item}, GetMessageClass(descriptor)()):
            yield FieldViolation(prefix + field.name, f"Must be {_wanted(field)}.")


def _descriptor(message: Message) -> Descriptor:
    return cast(Descriptor, message.DESCRIPTOR)


def _wanted(field: FieldDescriptor) -> str:
    one = _KINDS.get(field.cpp_type, "an integer in its range")
    if field.enum_type:
        one = "one of " + ", ".join(field.enum_type.values_by_name)
    elif field.type == FieldDescriptor.TYPE_BYTES:
        one = "base64 text"
    return f"a list, each item {one}" if field.is_repeated else one


def _to_dict(message: Message) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, key, optional, repeated, convert in _plan(_descriptor(message)):
        if optional and not message.HasField(name):
            continue
        value = getattr(message, name)
        if convert is dict:
            out[key] = dict(value)
        elif repeated:
            out[key] = [convert(item) for item in value] if convert else list(value)
        else:
            out[key] = convert(value) if convert else value
    return out


@cache
def _plan(descriptor: Descriptor) -> list[tuple[str, str, bool, bool, Convert | None]]:
    return [
        (field.name, field.json_name, field.has_presence, field.is_repeated, _converter(field))
        for field in descriptor.fields
    ]


def _converter(field: FieldDescriptor) -> Convert | None:
    if _is_map(field):
        return dict
    if field.message_type:
        timestamp = field.message_type.full_name == "google.protobuf.Timestamp"
        return (lambda value: value.ToJsonString()) if timestamp else _to_dict
    if field.enum_type:
        return _enum_name(field.enum_type)
    if field.cpp_type in _LONG:
        return str
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: b64encode(value).decode()
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return _number
    return _float if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT else None


def _is_map(field: FieldDescriptor) -> bool:
    """Those of the contract are from text to text."""
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def _enum_name(kind: EnumDescriptor) -> Convert:
    names = {number: value.name for number, value in kind.values_by_number.items()}
    return lambda number: names.get(number, number)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float(value: float) -> float | str:
    """The shortest number that a 32-bit float reads back as value."""
    if not math.isfinite(value):
        return _number(value)
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return next(float(text) for text in texts if struct.unpack("f", struct.pack("f", float(text)))[0] == value)
