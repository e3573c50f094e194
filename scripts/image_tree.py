#!/usr/bin/env python3
"""Make the files of the AWS Lambda image, without Docker, and say what each layer and package weighs.

    scripts/image_tree.py OUT --models DIR

OUT gets one folder a layer, laid out as the image has it. Lambda fetches of an image only the blocks that are read,
so what questions need lies together, apart from what only files need. Needs `uv` on the PATH, and nothing but the
standard library beside it: the Dockerfile runs it too.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-runtime.lock"
PYTHON = "3.12"
PLATFORM = "x86_64-manylinux_2_28"
TASK = Path("var/task")
MODELS = Path("opt/ragsql/models")
LAYERS = ("ingest", "serving", "models", "code")
"""From what changes least and is read least, to what changes with every release."""

LEFT_OUT = ("xllamacpp", "pip", "onnx")
"""Runs a chat model of 1.1 GB, installs models, builds one: a function does none of that."""
FOR_FILES = (
    "docling-slim",
    "filetype",
    "openpyxl",
    "pillow",
    "pypdfium2",
    "rapidocr",
)
"""What only parsers import. What they need and nothing else does goes with them."""
_ENTRY = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)


def main() -> None:
    """Build the tree and print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, required=True, help="folder of models, as `ragsql models pull` fills it")
    chosen = parser.parse_args()
    packages(chosen.out)
    code(chosen.out)
    models(chosen.out, chosen.models)
    compile_all(chosen.out)
    print(report(chosen.out))


def packages(out: Path) -> None:
    """The locked packages for Lambda's Python, whatever Python runs this, in the layers serving and ingest."""
    everything = out / "packages"
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "requirements.lock"
        lock.write_text(_without(LOCK.read_text(), LEFT_OUT))
        target = ["--target", str(everything), "--python", sys.executable, "--link-mode", "copy"]
        target += ["--python-version", PYTHON, "--python-platform", PLATFORM, "--only-binary", ":all:"]
        exactly = ["--require-hashes", "--no-deps", "--requirement", str(lock)]
        subprocess.run(["uv", "pip", "install", "--quiet", *target, *exactly], check=True)
    shutil.rmtree(everything / "bin", ignore_errors=True)
    found = {_name(info): info for info in everything.glob("*.dist-info")}
    for_files = set(found) - _closure(found, {name: extras for name, extras in _roots() if name not in FOR_FILES})
    for name, info in found.items():
        layer = out / ("ingest" if name in for_files else "serving") / TASK
        for entry in sorted(_entries(info)):
            _move(everything / entry, layer / entry)
    for rest in sorted(everything.iterdir()):
        _move(rest, out / "serving" / TASK / rest.name)
    everything.rmdir()


def code(out: Path) -> None:
    """The service itself, without the model that it brings along."""
    layer = out / "code" / TASK
    shutil.rmtree(out / "code", ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.onnx", "*.pyi")
    for source, name in ((ROOT / "service", "service"), (ROOT / "gen/ragsql", "ragsql")):
        shutil.copytree(source, layer / name, ignore=ignored)
    shutil.copytree(ROOT / "clients/python/ragsql_client", layer / "ragsql_client", ignore=ignored)
    shutil.copy2(ROOT / "lambda_handler.py", layer)


def models(out: Path, store: Path) -> None:
    """The embedding model, the one that finds answers, and none that chats."""
    sys.path.insert(0, str(ROOT))
    from service.models.catalog import MINILM

    folder = out / "models" / MODELS / MINILM.sha256
    shutil.rmtree(out / "models", ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (MINILM.build, "tokenizer.json"):
        shutil.copy2(store / MINILM.sha256 / name, folder)
    for source in (ROOT / "service").rglob("*.onnx"):
        target = out / "models" / TASK / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def compile_all(out: Path, layers: Iterable[str] = LAYERS) -> None:
    """Bytecode that is never checked against its source: a function cannot write it, and reads each file once."""
    interpreter = python()
    if interpreter is None:
        print(f"There is no Python {PYTHON} here, so nothing is compiled.", file=sys.stderr)
        return
    for layer in layers:
        folder = out / layer / TASK
        if folder.exists():
            command = [interpreter, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
            # Some packages bring files of examples that are no Python.
            subprocess.run([*command, "-s", out / layer, "-p", "/", folder], check=False, capture_output=True)


def python() -> str | None:
    """Where Lambda's Python is on this machine, if it is: on the PATH, or installed by pyenv."""
    name = f"python{PYTHON}"
    for found in (shutil.which(name), *Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/{name}")):
        # The commands that pyenv puts on the PATH fail unless a folder chooses their version.
        if found and not subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode:
            return str(found)
    return None


def report(out: Path) -> str:
    """A table of layers and their heaviest packages, in MB."""
    lines: list[str] = []
    total = 0
    for layer in LAYERS:
        sizes = {entry.name: size_of(entry) for entry in (out / layer).rglob("*") if entry.parent == out / layer / TASK}
        whole = size_of(out / layer)
        total += whole
        lines.append(f"{layer:<10}{whole / 1e6:9.1f} MB")
        heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:15]
        lines += [f"  {name:<32}{size / 1e6:7.1f}" for name, size in heaviest if size > 1e6]
    return "\n".join([*lines, f"{'all':<10}{total / 1e6:9.1f} MB above the base image"])


def size_of(path: Path) -> int:
    """Bytes of the files at or below path."""
    return sum(file.lstat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def _without(lock: str, names: Iterable[str]) -> str:
    """The lock without the entries of some packages."""
    starts = [match.start() for match in _ENTRY.finditer(lock)]
    entries = [lock[start:end] for start, end in zip(starts, [*starts[1:], len(lock)], strict=True)]
    return "".join(entry for entry in entries if entry.partition("==")[0] not in names)


def _roots() -> Iterator[tuple[str, str]]:
    """What pyproject.toml asks for by itself: names, and the extra or nothing."""
    text = (ROOT / "pyproject.toml").read_text()
    listed = text.partition("\ndependencies = [")[2].partition("\n]")[0]
    for name, extra in re.findall(r'^\s*"([A-Za-z0-9._-]+)(?:\[([a-z0-9-]+)\])?', listed, re.MULTILINE):
        yield _normal(name), extra


def _closure(found: dict[str, Path], roots: dict[str, str]) -> set[str]:
    """Those packages and what they need, directly or not."""
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found and name not in reached:
            reached.add(name)
            waiting += _needs(found[name], roots.get(name, ""))
    return reached


def _needs(info: Path, extra: str) -> Iterator[str]:
    metadata = HeaderParser().parsestr((info / "METADATA").read_text(errors="replace"))
    for line in metadata.get_all("Requires-Dist") or []:
        asked = re.search(r"extra == ['\"]([^'\"]+)", line)
        if (not asked or asked[1] == extra) and (match := re.match(r"[A-Za-z0-9._-]+", line)):
            yield _normal(match[0])


def _entries(info: Path) -> set[str]:
    """The first segment of every path that a package installed."""
    rows = (line.split(",", 1)[0].strip('"') for line in (info / "RECORD").read_text().splitlines())
    return {row.split("/", 1)[0] for row in rows if row and not row.startswith(("..", "/", "bin/"))}


def _move(source: Path, target: Path) -> None:
    """Packages that share a namespace are put together."""
    if not source.exists():
        return
    if target.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        shutil.rmtree(source)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def _name(info: Path) -> str:
    return _normal(info.name.split("-", 1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
