"""The sample handbook and database that a first start shows."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "musicstore"
DATABASE_URL = f"sqlite:///{FOLDER / 'chinook.sqlite'}"
DOCUMENTS = tuple(
    FOLDER / name for name in ("refund_policy.docx", "artist_royalty_guide.md", "support_sla_handbook.html")
)
QUESTIONS = (
    "How many days do I have to return a video?",
    "Who are our three biggest spenders?",
    "Is anyone on the help desk looking after more customers than they should?",
)
"""One for the documents, one for the database, one for both."""
