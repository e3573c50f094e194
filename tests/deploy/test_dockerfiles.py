"""The Dockerfiles, without building them: what they copy is there, and is let through to the build."""

from __future__ import annotations

import fnmatch
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("Dockerfile", "deploy/Dockerfile.web-adapter")


def instructions(file: str) -> list[list[str]]:
    """The words of each, continued lines joined."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / file).read_text()).replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]


def copies(file: str) -> list[tuple[str, list[str]]]:
    """What every COPY takes, and the stage or image that it takes it from; empty for the build's context."""
    found: list[tuple[str, list[str]]] = []
    for name, rest in instructions(file):
        if name == "COPY":
            words = shlex.split(rest)
            stage = [word.removeprefix("--from=") for word in words if word.startswith("--from=")]
            found.append((stage[0] if stage else "", [word for word in words[:-1] if not word.startswith("--")]))
    return found


@pytest.mark.parametrize("file", FILES)
def test_what_is_copied_from_a_stage_has_one(file: str) -> None:
    stages: set[str] = set()
    for name, rest in instructions(file):
        if name == "FROM" and (named := re.search(r" AS (\w+)$", rest)):
            stages.add(named[1])
        if name == "COPY" and (source := re.search(r"--from=(\S+)", rest)):
            assert source[1] in stages, rest


def test_what_is_copied_is_here_and_let_through() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    taken = {source for stage, sources in copies("Dockerfile") if not stage for source in sources}
    assert len(taken) > 6
    for source in taken:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, one) or source.startswith(f"{one}/") for one in allowed), source


def test_the_layers_are_those_of_the_script() -> None:
    """From what changes least to what changes with every release."""
    from tests.aws_lambda.test_image import layers

    last = [sources[0] for stage, sources in copies("Dockerfile") if stage == "tree"]
    assert [re.sub(r"^/tree/|/$", "", source) for source in last] == ["docling", *layers()]


def test_images_run_as_users_that_are_not_root() -> None:
    users = [rest for name, rest in instructions("Dockerfile") if name == "USER"]
    assert users == ["1000", "1000"]
