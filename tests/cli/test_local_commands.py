"""The program as a person starts it: `models`, `serve`, and what is said when something is wrong."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

ROOT = Path(__file__).parents[2]


def started(start: tuple[str, str], /, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The output of a command in a process of its own that Python starts so."""
    path = os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python"))
    return subprocess.run(
        [sys.executable, *start, *words],
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def ragsql(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return started(("-m", "service.cli.main"), *words, **environ)


def test_help_names_every_command_and_loads_little() -> None:
    result = ragsql("--help")
    assert result.returncode == 0
    commands = "serve upload ask sql train feedback documents health models upgrade-records"
    for command in commands.split():
        assert command in result.stdout


def test_records_are_brought_up_to_date_by_a_command(tmp_path: Path, postgres_database: str) -> None:
    sqlite = {"RAGSQL_DATA_DIR": str(tmp_path / "new")}
    parts = urlencode(conninfo_to_dict(postgres_database))
    postgresql = sqlite | {"RAGSQL_RECORDS_URL": f"postgresql:///?{parts}"}
    for environ in (sqlite, postgresql):
        first = ragsql("upgrade-records", **environ)
        assert (first.returncode, "; new." in first.stdout) == (0, True)
        again = json.loads(ragsql("upgrade-records", "--json", **environ).stdout)
        assert again["before"] == again["after"] > "0001"
        assert "already" in ragsql("upgrade-records", **environ).stdout
    down = ragsql("upgrade-records", RAGSQL_RECORDS_URL="postgresql://u:hunter2@127.0.0.1:1/x")
    assert (down.returncode, "RAGSQL_RECORDS_URL" in down.stderr, "hunter2" in down.stderr) == (1, True, False)


def test_wrong_usage_exits_with_2() -> None:
    assert ragsql("ask").returncode == 2
    assert ragsql("serve", "--port", "70000").returncode == 2


def test_wrong_settings_are_all_named() -> None:
    result = ragsql("serve", RAGSQL_PORT="many", RAGSQL_CACHE="paper")
    assert result.returncode == 1
    assert "RAGSQL_PORT: " in result.stderr
    assert "RAGSQL_CACHE: " in result.stderr
    assert "Traceback" not in result.stderr


def test_s3_needs_a_bucket() -> None:
    for name in ("STORAGE_BACKEND", "RAGSQL_BLOBS"):
        result = ragsql("serve", **{name: "s3"})
        assert result.returncode == 1
        assert "S3_CACHE_BUCKET: " in result.stderr


def test_a_taken_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = ragsql("serve", "--port", str(port))
    assert result.returncode == 1
    assert result.stderr == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another with --host and --port.\n"
    )


def test_models_list_says_what_is_here(tmp_path: Path) -> None:
    shown = ragsql("models", "list", RAGSQL_MODEL_DIR=str(tmp_path))
    assert shown.returncode == 0
    assert f"Kept in {tmp_path}" in shown.stdout
    models = json.loads(ragsql("models", "list", "--json", RAGSQL_MODEL_DIR=str(tmp_path)).stdout)
    assert {model["installed"] for model in models} == {False}
    assert all(len(model["sha256"]) == 64 and model["name"] in shown.stdout for model in models)


def test_pulling_an_unknown_model_names_the_known(tmp_path: Path) -> None:
    result = ragsql("models", "pull", "gpt-9", RAGSQL_MODEL_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "gpt-9" in result.stderr
    assert "all-minilm-l6-v2" in result.stderr
    assert "Traceback" not in result.stderr


def test_bugs_are_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from service.cli import main

    def broken() -> None:
        raise KeyError("x")

    monkeypatch.setattr(main, "app", broken)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "Something failed that should not have: KeyError: 'x'\n"
