"""The contract, its comments and its code say the same."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from ragsql.v1.error_reason_pb2 import ErrorReason
from service import errors
from service.transport import contract
from service.transport.bounds import BOUNDS, NESTED
from service.transport.errors import CODES, LIBRARY_REASONS, to_wire
from service.transport.openapi import openapi_json

GEN = Path(__file__).parents[2] / "gen"


def test_the_generated_code_imports_only_protobuf_and_connect() -> None:
    roots = {
        name.split(".")[0] + ("." + name.split(".")[1] if name.startswith("google") else "")
        for path in GEN.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
    }
    assert roots - set(sys.stdlib_module_names) == {"google.protobuf", "connectrpc", "pyqwest", "ragsql"}
    assert "google.api" not in "".join(path.read_text() for path in GEN.rglob("*_pb2.py*"))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def test_every_request_field_has_a_bound() -> None:
    methods = [method for file in contract.files().file for service in file.service for method in service.method]
    todo = {method.input_type.rpartition(".")[2] for method in methods} | {"KnowledgeItem", "ExampleQuery"}
    bounded = {kind.DESCRIPTOR.name: {field for field, _ in table} for kind, table in BOUNDS.items()}
    nested = {kind.DESCRIPTOR.name: {field} for kind, field in NESTED.items()}
    ignored = {"KnowledgeItem": {"name", "create_time"}, "ListFeedbackRequest": {"waiting_only"}}
    for name in todo:
        fields = {field.name for field in getattr(contract.types()[f"ragsql.v1.{name}"], "field")}  # noqa: B009
        assert fields == bounded.get(name, set()) | nested.get(name, set()) | ignored.get(name, set()), name


def test_every_error_of_the_tree_has_a_code_and_a_reason_of_the_contract() -> None:
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.RagsqlError)]
    assert set(tree) - {errors.RagsqlError} <= set(CODES)
    reasons = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()[1:]}
    sent = {kind.reason for kind in CODES} | set(LIBRARY_REASONS.values()) | {"INTERNAL"}
    assert sent == reasons


def test_the_comments_of_the_reasons_name_their_codes() -> None:
    for kind, code in CODES.items():
        comment = contract.comments()[f"ragsql.v1.ErrorReason.ERROR_REASON_{kind.reason}"]
        assert code.name in re.sub("UNIMPLEMENTED for RPCs", "UNIMPLEMENTED", comment), kind
    assert to_wire(RuntimeError()).http_status == 500


def test_everything_in_the_contract_has_a_comment() -> None:
    comments = contract.comments()
    for name, kind in contract.types().items():
        members = [*getattr(kind, "field", []), *getattr(kind, "value", [])]
        assert comments[name]
        assert all(comments[f"{name}.{member.name}"] for member in members)


@pytest.mark.anyio
async def test_openapi_is_valid_and_complete(http: httpx.AsyncClient) -> None:
    response = await http.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]["/upload"]["post"]["requestBody"]["content"]) == {
        "application/json",
        "multipart/form-data",
    }
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len(list(contract.http_rules()))
    assert all("Error" in json.dumps(operation["responses"]["default"]) for operation in operations)
    query = document["components"]["schemas"]["QueryRequest"]["properties"]
    assert "1 to 4000 characters" in query["query"]["description"]
    assert document["components"]["schemas"]["Document"]["properties"]["sizeBytes"]["type"] == "string"
    assert query["topK"] == {"type": "integer", "format": "int32", "description": query["topK"]["description"]}


def test_openapi_describes_the_answers_that_are_sent() -> None:
    schemas = json.loads(openapi_json())["components"]["schemas"]
    for name, kind in contract.types().items():
        short = name.rpartition(".")[2]
        if short.endswith("Response") and not short.startswith("StreamQuery"):
            names = {field.json_name for field in getattr(kind, "field")}  # noqa: B009
            assert set(schemas[short]["properties"]) == names


def test_importing_the_transport_loads_nothing_heavy() -> None:
    heavy = (
        "onnxruntime openai sqlalchemy sqlglot docling boto3 pinecone redis pandas torch numpy connectrpc_grpcreflect"
    )
    code = f"import sys, service.transport.app; print([m for m in {heavy.split()} if m in sys.modules])"
    path = f"{GEN.parent}:{GEN}"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
