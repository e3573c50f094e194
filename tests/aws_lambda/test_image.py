"""The files of the image, made without Docker: what they weigh, and which of them a cold start reads."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from service.models.store import ModelStore
from tests.aws_lambda.runtime_api import ROOT

MB = 1_000_000
MAX_IMAGE = 1200 * MB
MAX_READ = 60 * MB
MAX_MEMORY = 120 * MB
SCRIPT = ROOT / "scripts/image_tree.py"
DRIVER = ROOT / "tests/aws_lambda/cold_start.py"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image_tree", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def layers() -> tuple[str, ...]:
    """The layers of the image, the lowest first."""
    script: Any = _script()
    return script.LAYERS


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers. The packages of a lock are kept between test runs: getting them takes a minute, and 900 MB."""
    script: Any = _script()
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    given = (ROOT / "requirements-runtime.lock").read_bytes() + SCRIPT.read_bytes()
    kept = ModelStore().root.parent / "images" / hashlib.sha256(given).hexdigest()[:16]
    if not kept.exists():
        shutil.rmtree(kept.parent, ignore_errors=True)
        kept.parent.mkdir(parents=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        script.packages(partial)
        script.compile_all(partial)
        partial.replace(kept)
    out = tmp_path_factory.mktemp("image")
    for layer in ("ingest", "serving"):
        (out / layer).symlink_to(kept / layer)
    script.code(out)
    script.models(out, ModelStore().root)
    script.compile_all(out, ("models", "code"))
    return out


def test_the_image_weighs_no_more_than_it_may(tree: Path) -> None:
    script: Any = _script()
    sizes = {layer: script.size_of((tree / layer).resolve()) for layer in script.LAYERS}
    sys.stdout.write(script.report(tree) + "\n")
    assert all(sizes.values())
    assert sum(sizes.values()) <= MAX_IMAGE
    assert sizes["code"] < 20 * MB


def test_nothing_is_in_two_layers_and_nothing_needed_is_missing(tree: Path) -> None:
    task: dict[str, set[str]] = {}
    for layer in ("ingest", "serving"):
        folder = tree / layer / "var/task"
        task[layer] = {path.name for path in folder.glob("*.dist-info")}
    assert task["ingest"].isdisjoint(task["serving"])
    names = {name.partition("-")[0].lower() for name in task["serving"]}
    assert {"starlette", "connectrpc", "protobuf", "sqlalchemy", "boto3", "openai", "redis", "psycopg_binary"} <= names
    assert {"docling_slim", "pandas", "rapidocr", "opencv_python_headless"}.isdisjoint(names)
    assert not {"xllamacpp", "pip", "onnx"} & {name.partition("-")[0] for names in task.values() for name in names}


@pytest.fixture(scope="module")
def cold(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the steps of a cold start said."""
    script: Any = _script()
    python = script.python()
    if python is None:
        pytest.skip("there is no python3.12, which Lambda runs: nothing can start from the image's files")
    folder = tmp_path_factory.mktemp("cold")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(tree / layer / "var/task") for layer in ("code", "serving", "ingest")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_NAME": "ragsql",
        "RAGSQL_DATA_DIR": str(folder),
        "RAGSQL_MODEL_DIR": str(tree / "models/opt/ragsql/models"),
    }
    for weights in (tree / "models/var/task").rglob("*.onnx"):
        (tree / "code/var/task" / weights.relative_to(tree / "models/var/task")).symlink_to(weights)
    ran = subprocess.run([python, DRIVER], env=environ, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {line["step"]: line for line in lines if "step" in line}


def _show(step: dict[str, Any]) -> None:
    """Seen with `pytest -s`: every file that was read, the largest last."""
    for path, size in sorted(step["files"].items(), key=lambda item: item[1]):
        sys.stdout.write(f"{size:>12,}  {path}\n")
    read, memory = sum(step["files"].values()), step["memory"]
    sys.stdout.write(f"{step['step']}: {len(step['files'])} files, {read / MB:.1f} MB; memory {memory / MB:.0f} MB\n")


def test_health_reads_little_of_the_image(cold: dict[str, dict[str, Any]], tree: Path) -> None:
    health = cold["Health"]
    read = sum(health["files"].values())
    _show(health)
    assert health["status"] == 200
    assert read <= MAX_READ
    assert health["memory"] <= MAX_MEMORY
    kept = str((tree / "serving").resolve().parent)
    names = {path.split("/var/task/")[1].split("/")[0] for path in health["files"] if "/var/task/" in path}
    assert any(path.startswith(kept) for path in health["files"])
    heavy = {"sqlalchemy", "openai", "boto3", "botocore", "pinecone", "redis", "numpy", "onnxruntime", "connectrpc"}
    assert not heavy & names
    assert not any("/ingest/var/task/" in path for path in health["files"])


def test_a_question_reads_nothing_that_only_files_need(cold: dict[str, dict[str, Any]]) -> None:
    query = cold["Query"]
    _show(query)
    assert query["status"] == 200
    assert not [path for path in query["files"] if "/ingest/var/task/" in path]
    assert any("onnxruntime" in path for path in query["files"])
