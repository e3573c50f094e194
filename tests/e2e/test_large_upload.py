"""The clients and the command line against a real server: a large file in pieces, with its phases, once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from typer.testing import CliRunner

from ragsql_client import SMALL_BYTES, AsyncClient, Client, RagsqlError, UploadProgress
from service.cli.main import app
from tests.e2e.server import Server

PAGES = 12


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(tmp_path_factory.mktemp("data"))
    server.start()
    try:
        yield str(server.http.base_url)
    finally:
        server.kill()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF that is large because of a picture that cannot be compressed."""
    side = 1300
    noise = BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(noise, "png")
    path = tmp_path_factory.mktemp("files") / "manual.pdf"
    canvas = Canvas(str(path))
    for page in range(1, PAGES + 1):
        canvas.drawString(72, 760, f"Chapter {page} says that pump {page} is to be oiled every {page + 10} days.")
        if page == 1:
            canvas.drawImage(ImageReader(noise), 72, 72, 200, 200)  # pyright: ignore[reportUnknownMemberType]
        canvas.showPage()
    canvas.save()
    assert path.stat().st_size > SMALL_BYTES
    return path


def test_a_large_file_goes_through_its_phases(url: str, large: Path) -> None:
    told: list[UploadProgress] = []
    with Client(url) as client:
        response = client.upload(large, progress=told.append)
    assert not response.cache_hit
    assert (response.document.page_count, response.document.size_bytes) == (PAGES, large.stat().st_size)
    assert response.document.chunk_count > 0
    phases = list(dict.fromkeys(step.phase for step in told))
    assert phases[:3] == ["hashing", "sending", "reading"]
    assert phases == sorted(phases, key=["hashing", "sending", "reading", "embedding", "indexing"].index)


@pytest.mark.anyio
async def test_it_is_not_processed_twice(url: str, large: Path) -> None:
    async with AsyncClient(url, transport="json") as client:
        response = await client.upload(large, filename="copy.pdf")
    assert (response.cache_hit, response.document.page_count) == (True, PAGES)


def test_a_file_that_changes_meanwhile_is_refused(url: str, large: Path, tmp_path: Path) -> None:
    file = tmp_path / "growing.pdf"
    file.write_bytes(large.read_bytes())

    def change(step: UploadProgress) -> None:
        if step.phase == "sending" and not step.done:
            with file.open("r+b") as handle:
                handle.write(b"#")

    with Client(url) as client, pytest.raises(RagsqlError, match=r'^"growing\.pdf" changed while') as failed:
        client.upload(file, progress=change)
    assert failed.value.reason == "CONTENT_MISMATCH"


def test_a_large_file_that_no_parser_reads_fails(url: str, tmp_path: Path) -> None:
    file = tmp_path / "noise.bin"
    file.write_bytes(os.urandom(SMALL_BYTES + 1))
    with Client(url) as client, pytest.raises(RagsqlError, match="unknown kind") as failed:
        client.upload(file)
    assert failed.value.metadata["document"].startswith("documents/")
    listed = CliRunner().invoke(app, ["documents", "list", "--state", "failed", "--url", url])
    assert "noise.bin" in listed.stdout
    assert failed.value.message in listed.stdout


def test_a_folder_is_sent_once(url: str, large: Path, tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "manual.pdf").write_bytes(large.read_bytes())
    (tmp_path / "note.md").write_text("The valve of pump 3 was replaced in May.")
    first = CliRunner().invoke(app, ["upload", str(tmp_path), "--url", url])
    assert (first.exit_code, first.stderr) == (0, "")
    assert "2 uploaded in " in first.stdout
    again = CliRunner().invoke(app, ["upload", str(tmp_path), "--url", url])
    assert again.exit_code == 0
    assert "2 unchanged in " in again.stdout
