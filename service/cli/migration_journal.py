"""What is known of a migration that was begun, so that it goes on and never undoes what was done at its target."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

_FOLDER = "migrations"


class MigrationJournal:
    """A file in the data folder of the source for one part on its way from here to there.

    fingerprint is that of the target when the part was finished: empty while it is not, None before it was begun.
    """

    def __init__(self, data_dir: Path, part: str, here: object, there: object) -> None:
        name = hashlib.sha256(repr((part, here, there)).encode()).hexdigest()[:32]
        self._path = data_dir / _FOLDER / f"{name}.json"
        self.fingerprint: str | None = json.loads(self._path.read_text()) if self._path.exists() else None

    def note(self, fingerprint: str) -> None:
        """Remember what the target is like, empty while it is being written to."""
        self.fingerprint = fingerprint
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump(fingerprint, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
