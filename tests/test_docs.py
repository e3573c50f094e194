"""Every command and every program of the README, run against the service as `ragsql serve` starts it.

Only the chat model is scripted, since how fast a real one is depends on what else the machine does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service import settings
from service.samples import QUESTIONS
from tests.ports import free_port
from tests.scripted_model import scripted_model

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
PROGRAMS = [block for language, block in BLOCKS if language == "python"]
BIN = Path(sys.executable).parent
PATHS = os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python"))


@dataclass(frozen=True)
class Served:
    """A running service, what it printed once it listened, and a folder with document.pdf and reports/ to work in."""

    port: int
    greeting: str
    folder: Path

    def run(self, command: list[str]) -> str:
        """Standard output of a command that must succeed."""
        addresses = {"RAGSQL_URL": f"http://127.0.0.1:{self.port}", "CURL_HOME": str(self.folder)}
        environ = {**os.environ, "PYTHONPATH": PATHS, **addresses}
        ran = subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=600, check=False
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "reports").mkdir()
    for pdf in ("document.pdf", "reports/document.pdf"):
        _write_pdf(folder / pdf)
    (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    for name in ("gen", "Makefile", "requirements.lock", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    _copy_programs(folder / ".venv" / "bin")
    port = free_port()
    with scripted_model() as model:
        data = {"RAGSQL_DATA_DIR": str(folder / "data"), "OPENAI_BASE_URL": model}
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "serve", "--http2", "--port", str(port)],
            env={**os.environ, "PYTHONPATH": PATHS, "COLUMNS": "200", **data},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Served(port, _greeting(process), folder)
        finally:
            process.terminate()
            process.wait(120)


def _greeting(process: subprocess.Popen[str]) -> str:
    """What is printed until the last suggestion, which comes once the service listens."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if QUESTIONS[-1] in line:
            break
    return "".join(lines)


def _copy_programs(folder: Path) -> None:
    """The programs of this environment under the names that the README calls, whichever environment it is."""
    folder.mkdir(parents=True)
    (folder / "buf").symlink_to(BIN / "buf")
    (folder / "ragsql").write_text(f'#!/bin/sh\nexec {sys.executable} -m service.cli.main "$@"\n')
    (folder / "ragsql").chmod(0o755)


def _write_pdf(path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path))
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(72, 760, "Return policy")
    canvas.setFont("Helvetica", 11)
    canvas.drawString(72, 730, "The return policy is simple: any item may be returned within 45 days of delivery.")
    canvas.drawString(72, 714, "The buyer pays the postage unless the item was faulty.")
    canvas.save()


def test_it_prints_three_questions_to_paste(served: Served) -> None:
    assert f"listens on http://127.0.0.1:{served.port}" in served.greeting
    assert all(f'"{question}"' in served.greeting for question in QUESTIONS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(served: Served, command: str) -> None:
    if command.startswith("make "):
        assert served.run(["make", "--dry-run", *command.split()[1:]])
        return
    if command.startswith("curl ") and shutil.which("curl") is None:
        pytest.fail("curl is not installed")
    assert served.run(["sh", "-ec", command.replace("localhost:8080", f"localhost:{served.port}")])


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(served: Served, program: str) -> None:
    printed = served.run([sys.executable, "-c", program.replace("localhost:8080", f"localhost:{served.port}")])
    approves = "execute_sql" in program
    for words in ("AUDIT_ACTION_EXECUTED 1", "The average is") if approves else ("within 45 days", "INVALID_FIELD"):
        assert words in printed


def test_there_is_something_to_run() -> None:
    assert len(COMMANDS) >= 10
    assert len(PROGRAMS) == 2


def test_the_settings_are_those_of_the_code() -> None:
    marked = re.search(r"<!-- settings: .* -->\n(.*)\n<!-- /settings -->", README, re.DOTALL)
    assert marked, "the README has lost the marks around its settings"
    assert marked[1] == settings.as_markdown(), "run `.venv/bin/python -m service.settings` and paste what it prints"


def test_links_lead_somewhere() -> None:
    for source in (ROOT / "README.md", ROOT / "docs/deploy.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", source.read_text()):
            assert (source.parent / target).exists(), f"{source.name}: {target}"
