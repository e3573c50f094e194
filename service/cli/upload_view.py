"""What `ragsql upload` shows: a bar meanwhile, a line or an object a file, a table of failures."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from service.cli.output import as_dict, console, error_console, print_json
from service.cli.upload_files import Outcome, Upload
from service.cli.upload_meter import Meter

if TYPE_CHECKING:
    from ragsql_client import UploadProgress

_WORDS = {
    Outcome.UPLOADED: "uploaded",
    Outcome.UNCHANGED: "unchanged",
    Outcome.SKIPPED: "skipped",
    Outcome.FAILED: "failed",
    Outcome.PROCESSING: "still being processed by the server",
    Outcome.NOT_SENT: "not uploaded",
}


class View:
    """A bar if a person watches, else a line a file; objects as JSON."""

    def __init__(self, total: int, as_json: bool) -> None:
        has_bar = console().is_terminal and error_console().is_terminal and not as_json
        self._as_json = as_json
        self._is_single = total == 1
        self._is_live = not self._is_single and not has_bar
        self._began = time.monotonic()
        self._meter = Meter(total, has_bar)

    def follow(self, upload: Upload, progress: UploadProgress) -> None:
        """Show how far a file is."""
        self._meter.follow(upload, progress)

    def end(self, upload: Upload) -> None:
        """Show what became of a file."""
        self._meter.end(upload)
        if self._as_json:
            print_json(_as_object(upload))
        elif self._is_live:
            console().print(_line(upload), markup=False)

    def close(self, ended: list[Upload], stopped: list[Upload]) -> None:
        """Show the rest in the place of the bar; nothing if not even one file was begun."""
        seconds = time.monotonic() - self._began
        self._meter.close()
        uploads = [*ended, *stopped]
        if all(upload.outcome is Outcome.NOT_SENT for upload in uploads):
            return
        if self._as_json:
            for upload in stopped:
                print_json(_as_object(upload))
            print_json(summary_object(uploads, seconds))
            return
        for upload in uploads:
            if self._is_late(upload):
                console().print(_line(upload), markup=False)
        _show_failures(uploads)
        if not self._is_single:
            console().print(_summary(uploads, seconds, self._meter.pages_a_second), markup=False)

    def _is_late(self, upload: Upload) -> bool:
        """Whether its line is shown at the end: where a bar was, only of what is not as it should be."""
        if upload.outcome is Outcome.PROCESSING:
            return True
        if self._is_live:
            return False
        return upload.outcome is Outcome.SKIPPED or (self._is_single and upload.document is not None)


def _line(upload: Upload) -> str:
    """What became of a file, in one line."""
    if upload.document is None:
        return f"{upload.path}: {upload.outcome}. {upload.problem}"
    if upload.outcome is Outcome.UNCHANGED:
        return f"{upload.path}: unchanged ({upload.document.name})"
    known = ", known already" if upload.cache_hit else ""
    return f"{upload.path}: {upload.document.chunk_count} chunks{known} ({upload.document.name})"


def _as_object(upload: Upload) -> dict[str, Any]:
    """What became of a file, for machines."""
    shown: dict[str, Any] = {"path": str(upload.path), "filename": upload.filename, "outcome": upload.outcome}
    if upload.document is not None:
        shown |= {"document": as_dict(upload.document), "cacheHit": upload.cache_hit}
    if upload.error is not None:
        shown["error"] = upload.error
    elif upload.problem:
        shown["problem"] = upload.problem
    return shown


def summary_object(uploads: list[Upload], seconds: float) -> dict[str, Any]:
    """How many files had which outcome, for machines."""
    counts = Counter(upload.outcome for upload in uploads)
    return {"summary": {**{outcome.value: counts[outcome] for outcome in Outcome}, "seconds": round(seconds, 3)}}


def _summary(uploads: list[Upload], seconds: float, pages_a_second: float) -> str:
    """How many files had which outcome, in a sentence."""
    counts = Counter(upload.outcome for upload in uploads)
    said = ", ".join(f"{counts[outcome]} {words}" for outcome, words in _WORDS.items() if counts[outcome])
    speed = f", {pages_a_second:.1f} pages/s" if pages_a_second else ""
    return f"{said} in {seconds:.1f} s{speed}."


def _show_failures(uploads: list[Upload]) -> None:
    """A table on standard error of what failed and what to do about it, if anything did."""
    from rich.table import Table
    from rich.text import Text

    failed = [upload for upload in uploads if upload.outcome is Outcome.FAILED]
    if not failed:
        return
    table = Table(title=f"{len(failed)} of {len(uploads)} failed", show_lines=True)
    for heading in ("file", "what went wrong", "what to do"):
        table.add_column(heading, overflow="fold")
    for upload in failed:
        table.add_row(Text(str(upload.path)), Text(upload.problem), Text(upload.advice))
    error_console().print(table)
