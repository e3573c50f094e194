"""The whole tree of errors that a use case may raise.

Each is a sentence for a person: what happened, which field or setting, what to do. No wire codes and no
vendors here; transport/errors.py has the one table from these to Connect codes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A request field and what is wrong with it."""

    field: str
    description: str


class RagsqlError(Exception):
    """Base. reason is an ErrorReason of the contract without its prefix; metadata is shown to clients."""

    reason = "INTERNAL"

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


class InvalidRequest(RagsqlError):
    """A request breaks the contract's bounds."""

    reason = "INVALID_FIELD"

    def __init__(self, *violations: FieldViolation) -> None:
        super().__init__(" ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations


class UnsupportedMediaType(RagsqlError):
    """No parser reads this kind of file."""

    reason = "UNSUPPORTED_MEDIA_TYPE"


class UnreadableDocument(RagsqlError):
    """The file is of a known kind but no text can be had from it."""

    reason = "UNREADABLE_DOCUMENT"


class PayloadTooLarge(RagsqlError):
    """The request or the file is larger than allowed."""

    reason = "PAYLOAD_TOO_LARGE"


class ContentMismatch(RagsqlError):
    """What arrived does not have the size or the SHA-256 that was announced."""

    reason = "CONTENT_MISMATCH"


class UploadIncomplete(RagsqlError):
    """Nothing was PUT for the upload yet."""

    reason = "UPLOAD_INCOMPLETE"


class UploadUrlInvalid(RagsqlError):
    """The URL of an upload has expired, was changed or was used up."""

    reason = "UPLOAD_URL_INVALID"


class NotFound(RagsqlError):
    """No such resource for this caller."""

    reason = "NOT_FOUND"


class SqlRejected(RagsqlError):
    """The statement breaks a rule of the guard.

    problem is the sentence alone; message adds the rule and the place. fragment is the refused part, at most 60
    characters, and line and column, from 1, are where it begins; empty and 0 when they are not known.
    """

    reason = "SQL_NOT_READ_ONLY"

    def __init__(self, rule: str, problem: str, fragment: str = "", line: int = 0, column: int = 0) -> None:
        found = {"fragment": fragment} if fragment else {}
        found |= {"line": str(line), "column": str(column)} if line else {}
        where = f", line {line}, column {column}" if line else ""
        super().__init__(f"{problem} Rule: {rule}{where}.", rule=rule, **found)
        self.rule = rule
        self.problem = problem


class SqlNotGenerated(RagsqlError):
    """No valid statement could be written for the question."""

    reason = "SQL_NOT_GENERATED"


class SqlEtagMismatch(RagsqlError):
    """The reviewed text is not the stored text."""

    reason = "SQL_ETAG_MISMATCH"


class SqlStateConflict(RagsqlError):
    """The statement was executed, rejected or has expired."""

    reason = "SQL_STATE_CONFLICT"


class SqlTimeout(RagsqlError):
    """The statement took longer than allowed."""

    reason = "SQL_TIMEOUT"


class SqlExecutionFailed(RagsqlError):
    """The database refused the statement."""

    reason = "SQL_EXECUTION_FAILED"


class NotConfigured(RagsqlError):
    """A part that the request needs is not set up. The message names the setting or the command."""

    reason = "NOT_CONFIGURED"


class OtherEmbeddingModel(NotConfigured):
    """The index is of another embedding model than this process: what is accepted waits for one of that model."""


class UpstreamUnavailable(RagsqlError):
    """A model, a database or a store is down or throttles us."""

    reason = "UPSTREAM_UNAVAILABLE"


class Overloaded(RagsqlError):
    """The service has more work than it may take."""

    reason = "OVERLOADED"


class SettingsError(Exception):
    """Wrong settings, all of them at once. problems maps a setting's name to a sentence."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{name}: {problem}" for name, problem in problems.items()))
