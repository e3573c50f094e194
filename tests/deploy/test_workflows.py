"""The workflows in .github/: what they may do and what they run. scripts/check-workflows lints them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from service import __version__
from tests.scripted_model import scripted_model

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PIN = re.compile(r"uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<hash>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return yaml.safe_load(path.read_text())["jobs"]


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in jobs(path).items():
            for step in job.get("steps", ()):
                yield f"{path.name} {name}", step


def test_there_are_three() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "deploy.yml", "release.yml"]


def test_actions_are_pinned_by_hash_and_each_to_one() -> None:
    pins = dict[str, set[str]]()
    for path in WORKFLOWS:
        for line in path.read_text().splitlines():
            if "uses:" in line and "uses: ./" not in line:
                match = PIN.search(line)
                assert match, line
                pins.setdefault(match["action"], set()).add(match["hash"])
    assert len(pins) >= 9
    assert all(len(hashes) == 1 for hashes in pins.values()), pins


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_rights_are_those_that_a_job_needs(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job}
    allowed = {"deploy.yml": {"deploy": {"contents": "read", "id-token": "write"}}}
    allowed["release.yml"] = {"publish": {"contents": "write"}}
    assert more == allowed.get(path.name, {})
    assert all("timeout-minutes" in job for job in jobs(path).values() if "steps" in job)


def test_no_credentials_stay_in_a_checkout_and_no_key_is_kept() -> None:
    for where, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, where
    text = "".join(path.read_text() for path in WORKFLOWS)
    assert "AWS_SECRET_ACCESS_KEY" not in text
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"RELEASE_NOTIFY"}


def test_text_of_others_never_becomes_a_command() -> None:
    assert not [step["run"] for _, step in steps() if "${{" in step.get("run", "")]


def test_what_is_deployed_was_tested_first() -> None:
    found = jobs(ROOT / ".github/workflows/deploy.yml")
    assert found["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert found["deploy"]["needs"] == "ci"
    assert found["deploy"]["environment"] == "production"
    names = [
        step.get("uses", step.get("name", step.get("run", ""))).partition("@")[0] for step in found["deploy"]["steps"]
    ]
    assert names[-3:] == ["Release", "Integration tests against the Function URL", "Take the release back"]
    (build,) = [step["with"] for step in found["deploy"]["steps"] if "docker/build-push-action" in step.get("uses", "")]
    assert [tag.rpartition(":")[2] for tag in build["tags"].split("\n") if tag] == [
        "latest",
        "amd64",
        "${{ github.sha }}",
    ]
    assert (build["platforms"], build["provenance"], build["push"]) == ("linux/amd64", False, True)


def test_python_versions() -> None:
    matrix = jobs(ROOT / ".github/workflows/ci.yml")["test"]["strategy"]["matrix"]["python"]
    assert matrix == ["3.11", "3.12", "3.13"]


def test_what_changed_in_a_version() -> None:
    printed = subprocess.run([ROOT / "scripts/changelog", "0.1.0"], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("### Added\n")
    assert "## [" not in printed
    none = subprocess.run([ROOT / "scripts/changelog", "0.1"], capture_output=True, text=True, check=False)
    assert (none.returncode, none.stdout) == (1, "")
    assert "says nothing of 0.1" in none.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", __version__), "the tag of a release is v and the version"


class _Useless(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        self.do_GET()


def integrate(url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the integration tests as the workflow does, with temporary files of their own.

    pytest closes the folder of temporary files to other users, and the servers of this run are such.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "deploy/integration"]
    environ = {**os.environ, "RAGSQL_URL": url, "TMPDIR": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=600)


def test_the_integration_tests_pass_where_the_service_serves(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}:{ROOT / 'clients/python'}"}
    environ |= {"RAGSQL_DATA_DIR": str(tmp_path), "RAGSQL_SAMPLE_DATA": "false"}
    serve = [sys.executable, "-m", "service.cli.main", "serve", "--port", "0"]
    with scripted_model() as model:
        process = subprocess.Popen(serve, env={**environ, "OPENAI_BASE_URL": model}, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+:\d+", process.stdout.readline())
            assert found
            ran = integrate(found[0], tmp_path)
        finally:
            process.terminate()
            process.wait(120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 passed" in ran.stdout


def test_the_integration_tests_fail_where_it_does_not(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Useless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        ran = integrate(f"http://127.0.0.1:{server.server_port}", tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "4 failed" in ran.stdout
