"""`ragsql upload`: what it finds, leaves out, shows, and leaves behind when it is stopped."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragsql_client import LARGEST_BYTES, SMALL_BYTES
from tests.cli.conftest import Run
from tests.client.fake_server import FakeServices

ROOT = Path(__file__).parents[2]


def write(folder: Path, *names: str) -> None:
    """Files that contain their names."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def objects(output: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The objects of the files by filename, and the summary, which is the last."""
    *files, last = [json.loads(line) for line in output.splitlines()]
    return {file["filename"]: file for file in files}, last["summary"]


def start(url: str, *words: str, **streams: Any) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    path = os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python"))
    environ = {**os.environ, "PYTHONPATH": path, "RAGSQL_URL": url, "COLUMNS": "120", "TERM": "xterm"}
    command = [sys.executable, "-m", "service.cli.main", *words]
    return subprocess.Popen(command, env=environ, text=True, **streams)


def wait_until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not true():
        assert time.monotonic() < ends, "it did not happen within 120 s"
        time.sleep(0.02)


def test_one_file_is_one_line(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    file = tmp_path / "a.txt"
    assert run("upload", str(file)).stdout == f"{file}: 3 chunks (documents/a.txt)\n"
    assert run("upload", str(file)).stdout == f"{file}: 3 chunks, known already (documents/a.txt)\n"
    assert services.calls == ["upload", "upload"]


def test_a_folder_is_walked_and_named_by_path(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "d/a.md", "d/2024/q1/a.md", "d/.hidden/x.md", "d/.y", "d/.git/z.txt")
    write(tmp_path, "d/node_modules/m.txt", "d/2024/__pycache__/n.txt")
    (tmp_path / "d/2024/loop").symlink_to("..", target_is_directory=True)
    (tmp_path / "d/broken.txt").symlink_to("nowhere")
    (tmp_path / "d/link.txt").symlink_to("a.md")
    os.mkfifo(tmp_path / "d/pipe")
    result = run("upload", str(tmp_path / "b.txt"), str(tmp_path / "d"), str(tmp_path / "d/a.md"), "--jobs", "1")
    assert result.exit_code == 0
    assert list(services.files) == ["b.txt", "a.md", "link.txt", "2024 - q1 - a.md"]
    assert f"{tmp_path}/d/2024/q1/a.md: 3 chunks (documents/2024 - q1 - a.md)\n" in result.stdout
    assert "\n4 uploaded in " in result.stdout


def test_what_is_unchanged_is_not_sent(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt", "c.txt")
    sparse(tmp_path / "large.pdf", SMALL_BYTES + 1)
    assert run("upload", str(tmp_path)).exit_code == 0
    (tmp_path / "b.txt").write_text("B.txt")
    (tmp_path / "c.txt").write_text("longer than before")
    services.calls.clear()
    result = run("upload", str(tmp_path))
    assert sorted(services.calls) == ["upload", "upload"]
    assert services.files["b.txt"] == b"B.txt"
    assert f"{tmp_path}/a.txt: unchanged (documents/a.txt)\n" in result.stdout
    assert "2 uploaded, 2 unchanged in " in result.stdout


def test_a_large_file_that_is_unchanged_is_not_sent(run: Run, services: FakeServices, tmp_path: Path) -> None:
    file = sparse(tmp_path / "large.pdf", SMALL_BYTES + 1)
    assert run("upload", str(file)).stdout == f"{file}: 3 chunks (documents/large.pdf)\n"
    services.calls.clear()
    assert run("upload", str(file)).stdout == f"{file}: unchanged (documents/large.pdf)\n"
    assert services.calls == []


def test_failures_are_a_table(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.exe", "d/a.txt")
    services.failure = "The PDF is encrypted."
    encrypted, huge = sparse(tmp_path / "e.pdf", SMALL_BYTES + 1), sparse(tmp_path / "h.pdf", LARGEST_BYTES + 1)
    names = ("a.txt", "b.exe", "absent.txt", "d/a.txt")
    result = run("upload", *(str(tmp_path / name) for name in names), str(encrypted), str(huge))
    assert result.exit_code == 1
    assert services.files == {"a.txt": b"a.txt"}
    table = " ".join(result.stderr.split())
    assert "5 of 6 failed" in table
    for said in (
        "No parser reads this file. │ Convert it to PDF",
        "The file cannot be read: No such file or directory. │ Check that it is there",
        'which has the name "a.txt" too.',
        "The PDF is encrypted. │ Correct the file",
        "│ Split it, or leave it out.",
    ):
        assert said in table.replace(" │ │ │ ", " "), said


def test_what_is_no_document_is_skipped_in_folders(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.exe")
    sparse(tmp_path / "film.mp4", SMALL_BYTES + 1)
    sparse(tmp_path / "empty.txt", 0)
    result = run("upload", str(tmp_path))
    assert (result.exit_code, set(services.files)) == (0, {"a.txt"})
    assert f"{tmp_path}/b.exe: skipped. No parser reads this file.\n" in result.stdout
    assert f"{tmp_path}/film.mp4: skipped. It is no document, but video/mp4.\n" in result.stdout
    assert f"{tmp_path}/empty.txt: skipped. It is empty.\n" in result.stdout
    assert "1 uploaded, 3 skipped in " in result.stdout
    assert result.stderr == ""
    assert run("upload", str(tmp_path / "b.exe")).exit_code == 1


def test_json_is_an_object_a_file_and_a_summary(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt", "d/c.txt", "d/x.exe", "y.exe")
    run("upload", str(tmp_path / "b.txt"))
    words = [str(tmp_path / name) for name in ("a.txt", "b.txt", "y.exe", "d")]
    result = run("upload", *words, "--json")
    files, summary = objects(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert {name: file["outcome"] for name, file in files.items()} == {
        "a.txt": "uploaded",
        "b.txt": "unchanged",
        "c.txt": "uploaded",
        "x.exe": "skipped",
        "y.exe": "failed",
    }
    assert files["a.txt"]["path"] == str(tmp_path / "a.txt")
    assert files["a.txt"]["document"]["name"] == "documents/a.txt"
    assert (files["a.txt"]["cacheHit"], files["b.txt"]["cacheHit"]) == (False, True)
    assert files["y.exe"]["error"]["reason"] == "UNSUPPORTED_MEDIA_TYPE"
    assert summary.pop("seconds") > 0
    counts = {"uploaded": 2, "unchanged": 1, "skipped": 1, "failed": 1, "processing": 0, "not_sent": 0}
    assert summary == counts


def test_nothing_to_upload_fails(run: Run, tmp_path: Path) -> None:
    result = run("upload", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "There is no file to upload.\n")
    result = run("upload", str(tmp_path), "--json")
    assert result.exit_code == 1
    assert set(objects(result.stdout)[1].values()) == {0}


def test_jobs_have_bounds(run: Run, tmp_path: Path) -> None:
    assert run("upload", str(tmp_path), "--jobs", "0").exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_a_folder_that_cannot_be_listed_fails(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "d/b.txt")
    (tmp_path / "d").chmod(0)
    result = run("upload", str(tmp_path))
    (tmp_path / "d").chmod(0o700)
    assert (result.exit_code, set(services.files)) == (1, {"a.txt"})
    assert "Permission denied" in result.stderr


def test_an_overloaded_server_is_asked_again(run: Run, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    services.unavailable = 4
    assert run("upload", str(tmp_path), "--jobs", "1").exit_code == 0
    assert set(services.files) == {"a.txt", "b.txt"}


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_an_interrupted_batch_continues(
    url: str, services: FakeServices, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    write(tmp_path, "a.txt", "b.txt", "slow1.txt", "slow2.txt", "z.txt")
    process = start(url, "upload", str(tmp_path), "--jobs", "2", *flags, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: services.calls.count("upload") == 4)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said == "Interrupted. Run the same command again to continue: what is done is left out.\n"
    assert services.calls.count("upload") == 4
    if flags:
        files, summary = objects(shown)
        assert (summary["uploaded"], summary["not_sent"], len(files)) == (2, 3, 5)
    else:
        assert "2 uploaded, 3 not uploaded in " in shown

    for name in ("slow1.txt", "slow2.txt"):
        (tmp_path / name).rename(tmp_path / name.replace("slow", "quick"))
    again = start(url, "upload", str(tmp_path), "--json", stdout=subprocess.PIPE)
    files, summary = objects(again.communicate(timeout=120)[0])
    assert (summary["uploaded"], summary["unchanged"]) == (3, 2)


def test_what_the_server_has_accepted_is_named_when_interrupted(
    url: str, services: FakeServices, tmp_path: Path
) -> None:
    services.stands_still = True
    sparse(tmp_path / "large.pdf", SMALL_BYTES + 1)
    process = start(url, "upload", str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: "get_document" in services.calls)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert shown == f"{tmp_path}/large.pdf: processing. The server has it and goes on.\n"


def test_a_terminal_gets_one_bar(url: str, services: FakeServices, tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt", "c.exe")
    sparse(tmp_path / "large.pdf", SMALL_BYTES + 1)
    ours, theirs = pty.openpty()
    process = start(url, "upload", str(tmp_path), stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = ""
    while True:
        try:
            shown += os.read(ours, 65536).decode(errors="replace")
        except OSError:
            break
    os.close(ours)
    assert process.wait(120) == 0
    assert "3/4 files" in shown
    assert "pages/s" in shown
    assert "embedding 3/7 chunks · large.pdf" in shown
    assert "a.txt: 3 chunks" not in shown
    assert "c.exe: skipped. No parser reads this file." in shown
    assert "3 uploaded, 1 skipped in " in shown
