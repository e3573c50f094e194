"""docling's models: pinned, fetched from a hub, verified, and where docling looks for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.errors import UpstreamUnavailable
from service.models.catalog import Model
from service.models.docling import MODELS, main, pull_docling
from tests.models.conftest import CONTENT, FakeHub

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "docling"


@pytest.fixture
def models(hub: FakeHub, model: Model) -> tuple[Model, ...]:
    """The same files of the same names, of a few bytes each, at a hub of the test's own."""
    small = model.files[0]
    return tuple(
        one._replace(
            files=tuple(
                small._replace(name=file.name, url=file.url.replace("https://huggingface.co", hub.url), parts=())
                for file in one.files
            )
        )
        for one in MODELS
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_every_file_is_pinned_by_commit_and_by_hash() -> None:
    for model in MODELS:
        for file in model.files:
            assert re.search(r"/resolve/[0-9a-f]{40}/", file.url), "a branch or a tag can be moved"
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert file.url.endswith(file.name)


def test_files_are_where_docling_looks_for_them(folder: Path, models: tuple[Model, ...], hub: FakeHub) -> None:
    pull_docling(folder, lambda progress: None, models)
    layout, tables = "docling-project--docling-layout-heron", "docling-project--docling-models"
    accurate = f"{tables}/model_artifacts/tableformer/accurate"
    assert files(folder) == {
        f"{layout}/model.safetensors",
        f"{layout}/config.json",
        f"{layout}/preprocessor_config.json",
        f"{accurate}/tableformer_accurate.safetensors",
        f"{accurate}/tm_config.json",
    }
    assert (folder / accurate / "tm_config.json").read_bytes() == CONTENT
    asked = len(hub.ranges)
    pull_docling(folder, lambda progress: None, models)
    assert len(hub.ranges) == asked, "what is there is not fetched again"


def test_what_was_cut_off_goes_on(folder: Path, models: tuple[Model, ...], hub: FakeHub) -> None:
    hub.answers, hub.drop_after = "drop", 4_000
    pull_docling(folder, lambda progress: None, models)
    assert "bytes=4000-" in hub.ranges
    assert len(files(folder)) == 5


def test_other_bytes_are_refused(folder: Path, models: tuple[Model, ...], hub: FakeHub) -> None:
    hub.content = CONTENT[::-1]
    with pytest.raises(UpstreamUnavailable, match="has the wrong hash and was removed"):
        pull_docling(folder, lambda progress: None, models)
    assert files(folder) == set()


def test_a_hub_that_is_down(folder: Path, models: tuple[Model, ...], hub: FakeHub) -> None:
    hub.answers = "503"
    with pytest.raises(UpstreamUnavailable, match="could not be fetched"):
        pull_docling(folder, lambda progress: None, models)


def test_the_image_has_them_where_it_says() -> None:
    """The step of the Dockerfile, and the setting that it makes."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    step = re.search(r"python3 -m (service\.models\.docling) /tree/docling(/\S+);", dockerfile)
    assert step
    assert f"DOCLING_ARTIFACTS_PATH={step[2]}\n" in dockerfile
    assert main([]) == 2
