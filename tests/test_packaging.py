"""The wheel, the lock and the promises of the repository."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from service import __version__

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CLIENT: dict[str, Any] = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-runtime.lock")
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "proxy.golang" + ".org", "crates" + ".io")


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+==[^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0].lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(folder), "."]
    subprocess.run(build, cwd=ROOT, check=True, timeout=600)
    return zipfile.ZipFile(next(folder.glob("ragsql-*.whl")))


def test_the_wheel_holds_everything_that_runs(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    expected = {
        "lambda_handler.py",
        "service/app.py",
        "service/adapters/records/migrations/revision_0001.py",
        "service/samples/musicstore/chinook.sqlite",
        "ragsql/contract.binpb",
        "ragsql/v1/query_service_pb2.py",
        "ragsql_client/client.py",
    }
    assert expected <= names
    roots = {name.partition("/")[0] for name in names}
    assert roots == {"lambda_handler.py", "service", "ragsql", "ragsql_client", f"ragsql-{__version__}.dist-info"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    for block in blocks:
        assert "==" in block.splitlines()[0]
        assert "--hash=sha256:" in block
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    all_names = {pin.partition("==")[0] for pin in pins("requirements.lock")}
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    assert {name_of(requirement) for requirement in asked} <= all_names
    assert pins("requirements-runtime.lock") < pins("requirements.lock")


def test_one_version_everywhere() -> None:
    assert CLIENT["project"]["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_client_needs_two_packages() -> None:
    assert [name_of(requirement) for requirement in CLIENT["project"]["dependencies"]] == ["connectrpc", "protobuf"]
    assert set(CLIENT["project"]["dependencies"]) <= set(PROJECT["project"]["dependencies"])


def test_no_file_names_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        text = (ROOT / name).read_bytes().decode(errors="ignore") if (ROOT / name).is_file() else ""
        assert not [host for host in REGISTRIES if host in text], name
