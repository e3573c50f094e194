"""The settings of another deployment, for `ragsql migrate`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from service.settings import Settings, load

PARTS = ("blobs", "vectors", "records")


def target_settings(given: Sequence[str]) -> Settings:
    """This process's settings, changed by NAME=VALUE and by files that hold such lines.

    Raises SettingsError, OSError, and ValueError for a line that is neither empty, a comment nor NAME=VALUE.
    """
    environ = dict(os.environ)
    for word in given:
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            environ[name] = value
        else:
            environ |= _read(Path(word))
    return load(environ)


def places(settings: Settings) -> dict[str, tuple[object, ...]]:
    """Where each part is kept: what differs between two deployments that do not share it."""
    local = {"blobs": "local", "vectors": "sqlite", "records": "sqlite"}
    more: dict[str, tuple[object, ...]] = {
        "blobs": (settings.s3_cache_bucket,) if settings.blobs == "s3" else (),
        "vectors": (settings.pinecone_index_name,) if settings.vectors == "pinecone" else (),
        "records": (),
    }
    found: dict[str, tuple[object, ...]] = {}
    for part in PARTS:
        backend: str = getattr(settings, part)
        if backend == local[part]:
            found[part] = (backend, settings.data_dir.resolve())
        else:
            named = [getattr(settings, field.name) for field in fields(settings) if field.name == f"{part}_url"]
            found[part] = (backend, *named, *more[part])
    return found


def _read(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ValueError(f"{path}, line {number}: {text!r} is not NAME=VALUE.")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[name.strip()] = value[1:-1] if quoted else value
    return found
