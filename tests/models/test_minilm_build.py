"""The conversion of the embedding model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.models.catalog import MINILM
from service.models.minilm_build import build
from service.models.store import ModelStore

STORE = ModelStore()


@pytest.mark.skipif(not STORE.is_installed(MINILM), reason="run `ragsql models pull` first")
def test_the_same_weights_give_the_same_file(tmp_path: Path) -> None:
    target = tmp_path / MINILM.build
    command = [sys.executable, "-m", "service.models.minilm_build", str(STORE.weights(MINILM)), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    assert target.read_bytes() == (STORE.folder(MINILM) / MINILM.build).read_bytes()
    assert list(tmp_path.iterdir()) == [target]


def test_damaged_weights_leave_nothing_behind(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(KeyError):
        build(weights, tmp_path / MINILM.build)
    assert list(tmp_path.iterdir()) == [weights]
