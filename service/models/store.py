"""Where model files are kept: one folder a model, named by the hash of its weights."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from service.models.catalog import CATALOG, Model, ModelFile


class InstalledModel(NamedTuple):
    """A model on this machine. size is in bytes on the disk; sha256 is that of the weights as their makers publish."""

    model: Model
    path: Path
    size: int
    sha256: str


class ModelStore:
    """A folder of models. root defaults to the user's cache folder, so that a new data folder fetches nothing twice.

    A file has its final name only once its hash was verified; what is being fetched ends in ".partial".
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or _default_root()

    def folder(self, model: Model) -> Path:
        """The folder of a model, whether it exists or not."""
        return self.root / model.sha256

    def weights(self, model: Model) -> Path:
        """The path of the file of weights, whether it exists or not."""
        return self.folder(model) / model.files[0].name

    def has_file(self, model: Model, file: ModelFile) -> bool:
        """Whether the file is there in its full size."""
        path = self.folder(model) / file.name
        return path.is_file() and path.stat().st_size == file.size

    def is_installed(self, model: Model) -> bool:
        """Whether every file of the model, made ones included, is there."""
        built = not model.build or (self.folder(model) / model.build).is_file()
        return built and all(self.has_file(model, file) for file in model.files)

    def describe(self, model: Model) -> InstalledModel:
        """A model that is installed."""
        folder = self.folder(model)
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        return InstalledModel(model, folder, size, model.sha256)

    @contextmanager
    def lock(self, model: Model, on_wait: Callable[[], None]) -> Generator[None]:
        """Keep other processes from fetching the same model. Calls on_wait once when another one holds it."""
        folder = self.folder(model)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def installed(store: ModelStore) -> list[InstalledModel]:
    """The models of the catalog that are in the store, in the catalog's order."""
    return [store.describe(model) for model in CATALOG if store.is_installed(model)]


def _default_root() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ragsql", appauthor=False) / "models"
