"""The bar of `ragsql upload`."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.output import error_console
from service.cli.upload_files import Outcome, Upload

if TYPE_CHECKING:
    from ragsql_client import UploadProgress

_SHORTEST_NAME, _LONGEST_NAME = 12, 40
_BESIDE_THE_NAME = 72
_WORTH_COUNTING_BYTES = 1_000_000
_UNITS = {"hashing": "MB", "sending": "MB", "reading": "pages", "embedding": "chunks"}


class Meter:
    """One progress bar on standard error: files done, pages read a second, and what is going on. total is in files."""

    def __init__(self, total: int, shown: bool) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            BarColumn(bar_width=16),
            TextColumn("{task.fields[count]}", markup=False),
            TextColumn("{task.fields[doing]}", markup=False),
        )
        self._bar = Progress(*columns, console=error_console(), transient=True, disable=not shown)
        self._total = total
        self._done = 0
        self._pages: Counter[Path] = Counter()
        self._all_pages: dict[Path, int] = {}
        self._began = time.monotonic()
        self._task = self._bar.add_task("", total=total, count=self._count(), doing="")
        self._bar.start()

    def close(self) -> None:
        """Take the bar away. Closing twice does no harm."""
        self._bar.stop()

    @property
    def pages_a_second(self) -> float:
        """Since the start, of files that have pages."""
        return self._pages.total() / (time.monotonic() - self._began)

    def follow(self, upload: Upload, progress: UploadProgress) -> None:
        """Show how far a file is; when it is the only one, the bar is its own."""
        if progress.phase == "reading":
            self._pages[upload.path], self._all_pages[upload.path] = progress.done, progress.total
        elif upload.path in self._all_pages:
            self._pages[upload.path] = self._all_pages[upload.path]
        doing = f"{_doing(progress)} · {self._shortened(upload.filename)}"
        self._bar.update(self._task, count=self._count(), doing=doing)
        if self._total == 1:
            self._bar.update(self._task, total=progress.total or None, completed=progress.done)

    def end(self, upload: Upload) -> None:
        """Count a file that has ended."""
        self._done += 1
        if upload.outcome is Outcome.UPLOADED and upload.document and not upload.cache_hit:
            self._pages[upload.path] = upload.document.page_count
        if self._total > 1:
            self._bar.update(self._task, completed=self._done)
        self._bar.update(self._task, count=self._count())

    def _shortened(self, name: str) -> str:
        longest = min(_LONGEST_NAME, max(_SHORTEST_NAME, self._bar.console.width - _BESIDE_THE_NAME))
        half = longest // 2
        return name if len(name) <= longest else f"{name[:half]}…{name[1 - half :]}"

    def _count(self) -> str:
        files = f"{self._done}/{self._total} files  " if self._total > 1 else ""
        return f"{files}{self.pages_a_second:.1f} pages/s"


def _doing(progress: UploadProgress) -> str:
    unit = _UNITS.get(progress.phase)
    if not unit or not progress.total:
        return progress.phase
    if unit == "MB":
        if progress.total < _WORTH_COUNTING_BYTES:
            return progress.phase
        return f"{progress.phase} {progress.done / 1e6:.1f}/{progress.total / 1e6:.1f} MB"
    return f"{progress.phase} {progress.done}/{progress.total} {unit}"
