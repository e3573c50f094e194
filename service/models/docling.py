"""docling's models for PDF: what lays out a page and what reads its tables, pinned by commit and by hash.

    python -m service.models.docling FOLDER

FOLDER becomes what DOCLING_ARTIFACTS_PATH names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from service.errors import RagsqlError
from service.models.catalog import Model, ModelFile
from service.models.hub import Hub
from service.models.pull import PullProgress, pull
from service.models.store import ModelStore

_HUB = "https://huggingface.co"
_LAYOUT = "docling-project/docling-layout-heron", "8f39ad3c0b4c58e9c2d2c84a38465abf757272d8"
# Tagged v2.3.0, which docling asks for.
_TABLES = "docling-project/docling-models", "fc0f2d45e2218ea24bce5045f58a389aed16dc23"
_ACCURATE = "model_artifacts/tableformer/accurate"


class _Artifacts(ModelStore):
    """Folders as docling looks for them."""

    def folder(self, model: Model) -> Path:
        return self.root / model.name


def _file(repository: tuple[str, str], name: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(name, size, sha256, f"{_HUB}/{repository[0]}/resolve/{repository[1]}/{name}", ())


def _model(repository: tuple[str, str], used_for: str, licence: str, *files: tuple[str, int, str]) -> Model:
    named = repository[0].replace("/", "--")
    return Model(named, "layout", used_for, licence, tuple(_file(repository, *file) for file in files))


MODELS = (
    _model(
        _LAYOUT,
        "finding what is on a page",
        "Apache-2.0",
        ("model.safetensors", 171_658_996, "00333a43451945aaf89db8ca9c0a17e75d1537c17db60fdb91aa95f4c7929e0c"),
        ("config.json", 3_268, "fdea30805ce2f5666b147fca941dcdd27ad468e27d6ed21902207d3da056a97d"),
        ("preprocessor_config.json", 444, "cd38cd59999e7a95d68e487fbe5132df3d4e5c32a0836add57e6126ba0c4eaf1"),
    ),
    _model(
        _TABLES,
        "reading tables",
        "CDLA-Permissive-2.0",
        (
            f"{_ACCURATE}/tableformer_accurate.safetensors",
            212_758_388,
            "2a7d6c924b3cd12fb99a09280ca9c33a89c5d60b93253617d2e088c1a40374d9",
        ),
        (f"{_ACCURATE}/tm_config.json", 7_060, "984e122ceb8ccf84d84c9d2882f6f2302a44b4f1e577babd6289892c36f3cffd"),
    ),
)


def pull_docling(folder: Path, progress: Callable[[PullProgress], None], models: Sequence[Model] = MODELS) -> None:
    """Fetch what is not in folder yet from the makers' hub, and verify it. Raises as pull does."""
    hub = Hub()
    for model in models:
        pull(model, _Artifacts(folder), progress, [hub])


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m service.models.docling FOLDER\n")
        return 2
    try:
        pull_docling(Path(arguments[0]), _say)
    except RagsqlError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


def _say(progress: PullProgress) -> None:
    if progress.step == "done":
        sys.stdout.write(f"{progress.model.name}: {progress.bytes_total / 1e6:,.0f} MB, verified\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
