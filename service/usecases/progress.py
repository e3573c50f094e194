"""How far documents are, for as long as they are processed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState, IngestProgress


@dataclass(frozen=True, slots=True)
class ProgressBoard:
    """Progress by tenant and SHA-256 in this process: documents with the same content share the work."""

    _known: dict[tuple[str, str], IngestProgress] = field(default_factory=dict[tuple[str, str], IngestProgress])

    def report(self, caller: Caller, sha256: str, progress: IngestProgress) -> None:
        """Note how far it is."""
        self._known[caller.tenant, sha256] = progress

    def forget(self, caller: Caller, sha256: str) -> None:
        """The work has ended."""
        self._known.pop((caller.tenant, sha256), None)

    def shown(self, caller: Caller, document: Document) -> Document:
        """The document with its progress, if it is PROCESSING."""
        if document.state is not DocumentState.PROCESSING:
            return document
        return replace(document, progress=self.known(caller, document.sha256) or document.progress)

    def known(self, caller: Caller, sha256: str) -> IngestProgress | None:
        """How far the work is in this process."""
        return self._known.get((caller.tenant, sha256))
