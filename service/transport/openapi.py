"""The OpenAPI 3.1 document of plain HTTP, made from the descriptors and their comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from service import __version__
from service.transport.contract import HttpRule, comments, http_rules, types

Json = dict[str, Any]

_F = FieldDescriptorProto
_SCALARS: dict[int, Json] = {
    _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_STRING: {"type": "string"},
    _F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _F.TYPE_INT32: {"type": "integer", "format": "int32"},
    _F.TYPE_INT64: {"type": "string", "format": "int64"},
    _F.TYPE_FLOAT: {"type": ["number", "string"], "format": "float"},
    _F.TYPE_DOUBLE: {"type": ["number", "string"], "format": "double"},
}
_TIMESTAMP = ".google.protobuf.Timestamp"
_VARIABLE = re.compile(r"\{(\w+)=([^}]*)\}")
_ERROR: Json = {
    "description": "What every error looks like. The first detail is a google.rpc.ErrorInfo.",
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "description": "The Connect code, for example invalid_argument."},
        "message": {"type": "string", "description": "What happened and what to do, for a person."},
        "details": {"type": "array", "items": {"$ref": "#/components/schemas/ErrorDetail"}},
    },
}
_ERROR_DETAIL: Json = {
    "description": "A typed detail of an error.",
    "type": "object",
    "required": ["type", "value"],
    "properties": {
        "type": {"type": "string", "examples": ["google.rpc.ErrorInfo", "google.rpc.BadRequest"]},
        "value": {"type": "string", "description": "The detail in the binary format, base64 without padding."},
        "debug": {"type": "object", "description": "The detail in JSON."},
    },
}
_FILE: Json = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary", "description": "The file, 1 byte to 4 MiB."}},
}


@cache
def openapi_json() -> bytes:
    """The document as compact JSON."""
    paths: dict[str, Json] = {}
    for rule in http_rules():
        path = _VARIABLE.sub(lambda match: match[2].replace("*", f"{{{match[1]}}}"), rule.path)
        paths.setdefault(path, {})[rule.verb.lower()] = _operation(rule)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "ragsql", "version": __version__, "description": "Questions to documents and databases."},
        "paths": paths,
        "components": {"schemas": dict(_schemas(paths)) | {"Error": _ERROR, "ErrorDetail": _ERROR_DETAIL}},
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _operation(rule: HttpRule) -> Json:
    method, variable = rule.method, re.search(r"\{(\w+)", rule.path)
    summary, _, rest = comments()[f"{rule.service}.{method.name}".lstrip(".")].partition("\n\n")
    operation: Json = {
        "operationId": method.name,
        "tags": [rule.service.rpartition(".")[2]],
        "summary": summary,
        **({"description": rest} if rest else {}),
        "parameters": list(_parameters(rule, variable[1] if variable else "")),
        "responses": {
            "200": {"description": "Success.", "content": _json_content(_ref(method.output_type))},
            "default": {"description": "An error.", "content": _json_content({"$ref": "#/components/schemas/Error"})},
        },
    }
    if rule.body:
        operation["requestBody"] = {"required": True, "content": _body(rule)}
    return operation


def _body(rule: HttpRule) -> Json:
    message = _message(rule.method.input_type)
    if rule.body != "*":
        field = next(field for field in message.field if field.name == rule.body)
        return _json_content(_ref(field.type_name))
    content = _json_content(_ref(rule.method.input_type))
    if any(field.type == _F.TYPE_BYTES for field in message.field):
        content["multipart/form-data"] = {"schema": _FILE}
    return content


def _parameters(rule: HttpRule, variable: str) -> Iterator[Json]:
    name = rule.method.input_type
    for field in _message(name).field:
        described = {"description": comments()[f"{name.lstrip('.')}.{field.name}"], "schema": _field_schema(field)}
        if field.name == variable:
            segment = {"description": "The last part of the name.", "schema": {"type": "string"}}
            single = "=" not in rule.path
            yield {"name": field.name, "in": "path", "required": True, **(described if single else segment)}
        elif not rule.body:
            yield {"name": field.json_name, "in": "query", **described}


def _schemas(paths: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """The schemas that the paths refer to, and those that these refer to."""
    wanted, seen = _references(paths), set[str]()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        if name in ("Error", "ErrorDetail"):
            continue
        schema = _schema(name)
        wanted |= _references(schema) - seen
        yield name, schema


def _references(value: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(value)))


def _schema(name: str) -> Json:
    full = f"ragsql.v1.{name}"
    kind = types()[full]
    if isinstance(kind, EnumDescriptorProto):
        lines = [f"- {value.name}: {comments()[f'{full}.{value.name}']}" for value in kind.value]
        description = "\n\n".join((comments()[full], "\n".join(lines)))
        return {"type": "string", "description": description, "enum": [value.name for value in kind.value]}
    properties = {
        field.json_name: {**_field_schema(field), "description": comments()[f"{full}.{field.name}"]}
        for field in kind.field
    }
    return {"type": "object", "description": comments()[full], "properties": properties}


def _field_schema(field: FieldDescriptorProto) -> Json:
    if field.type_name.endswith("Entry"):
        return {"type": "object", "additionalProperties": {"type": "string"}}
    one = dict(_SCALARS.get(field.type) or _ref(field.type_name))
    return {"type": "array", "items": one} if field.label == _F.LABEL_REPEATED else one


def _message(name: str) -> DescriptorProto:
    kind = types()[name.lstrip(".")]
    assert isinstance(kind, DescriptorProto)
    return kind


def _ref(name: str) -> Json:
    if name == _TIMESTAMP:
        return {"type": "string", "format": "date-time"}
    return {"$ref": f"#/components/schemas/{name.rpartition('.')[2]}"}


def _json_content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
