"""The client's wheel, alone in a fresh environment, against a server."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
from importlib.metadata import distributions
from pathlib import Path
from ragsql_client import Client, RagsqlError

with Client(sys.argv[1]) as client:
    print(client.ask("q").answer.text)
    try:
        client.ask("")
    except RagsqlError as error:
        print(error.reason, [violation.field for violation in error.field_violations])
    Path("large.txt").write_bytes(bytes(5_000_000))
    print(client.upload("large.txt").document.name)
assert "google.rpc" not in sys.modules
assert not {d.name for d in distributions()} & {"ragsql", "starlette", "googleapis-common-protos", "typer"}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = str(ROOT / "clients/python")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(folder), source]
    subprocess.run(build, check=True, timeout=600)
    return next(folder.glob("ragsql_client-*.whl"))


def test_it_holds_the_client_and_the_messages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert {"ragsql_client/__init__.py", "ragsql_client/py.typed", "ragsql/v1/query_service_pb2.pyi"} <= names
    assert not [name for name in names if name.startswith(("service", "google"))]
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert required == ["Requires-Dist: connectrpc<0.14,>=0.13.0", "Requires-Dist: protobuf<8,>=7.36.2"]


def test_it_works_alone(wheel: Path, tmp_path: Path, url: str) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True, timeout=600)
    # -I keeps this repository and the environment's PYTHONPATH out.
    command = [python, "-I", "-c", SCRIPT, url]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "Fourteen [days].\nINVALID_FIELD ['query']\ndocuments/large.txt\n"
