"""What an error of the openai SDK means: whether to ask again, and the domain's error in words."""

from __future__ import annotations

from dataclasses import dataclass

from service.adapters.retries import retry_after
from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable

_FILTERED = ("content_filter", "content_policy_violation")
_TOO_LONG = ("context length", "too large to process")
_UNSUPPORTED = ("unsupported_parameter", "unsupported_value")


@dataclass(frozen=True, slots=True)
class Asked:
    """A model, where it runs, and the setting that chooses it."""

    model: str
    place: str
    setting: str

    @property
    def refusal(self) -> RagsqlError:
        """The model, or a filter before it, does not want to reply."""
        return UpstreamUnavailable(
            f"{self.model} at {self.place} declines to reply to this. Ask in other words, or set {self.setting} to "
            "another model."
        )


def pause(error: Exception) -> float | None:
    """See retries.Pause. What passes: throttling, a server's failure, a connection that is not made or breaks."""
    import httpx2
    import openai

    if isinstance(error, openai.APITimeoutError):
        return 0.0 if isinstance(error.__cause__, httpx2.ConnectTimeout) else None
    if isinstance(error, openai.APIStatusError):
        headers = error.response.headers
        passes = error.status_code in (408, 429) or (error.status_code >= 500 and error.status_code != 501)
        if not passes or "insufficient_quota" in _kinds(error):
            return None
        return retry_after(headers.get("retry-after-ms")) / 1000 or retry_after(headers.get("retry-after"))
    return None if _own(error) or not isinstance(error, openai.APIConnectionError) else 0.0


def is_silence(error: Exception) -> bool:
    """Whether the server did not answer, or failed: one that refuses or throttles has answered."""
    import openai

    return not _own(error) and isinstance(error, TimeoutError | openai.APIConnectionError | openai.InternalServerError)


def tells_nothing(error: Exception) -> bool:
    """Whether a server that was asked about a model answers, but does not tell: it need not know such a question."""
    status = getattr(error, "status_code", 0)
    if status == 404:
        return "model_not_found" not in _kinds(error)
    return status == 405 or (status == 403 and "scope" in str(error).lower())


def as_domain_error(error: Exception, asked: Asked) -> RagsqlError:
    """The domain's error for one of the SDK or the network. Texts of the server are not passed on."""
    import openai

    model, place = asked.model, asked.place
    if own := _own(error):
        return own
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return UpstreamUnavailable(f"{model} at {place} did not answer in time. Try again, or check OPENAI_BASE_URL.")
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, asked)
    if isinstance(error, openai.APIConnectionError):
        return UpstreamUnavailable(f"{place} cannot be reached for {model}. Check OPENAI_BASE_URL and the network.")
    return UpstreamUnavailable(
        f"{model} at {place} broke off or gave a reply that cannot be read. Try again, or set {asked.setting} to "
        "another model."
    )


def _status_error(error: Exception, asked: Asked) -> RagsqlError:
    model, place, setting = asked.model, asked.place, asked.setting
    status, kinds = getattr(error, "status_code", 0), _kinds(error)
    if status == 401:
        return NotConfigured(f"{place} refuses the key. Check OPENAI_API_KEY.")
    if status == 403:
        return NotConfigured(
            f"{place} does not let this key use {model}. Check the rights of OPENAI_API_KEY, and {setting}."
        )
    if status == 404:
        return NotConfigured(f"{place} has no model {model!r}. Check {setting} and OPENAI_BASE_URL.")
    if "insufficient_quota" in kinds:
        return UpstreamUnavailable(
            f"The quota of the key at {place} is used up. Add credit to its account, or set OPENAI_API_KEY to another."
        )
    if status == 429:
        return UpstreamUnavailable(
            f"{place} takes no more requests for {model} now. Wait a moment, or raise the limits of OPENAI_API_KEY."
        )
    return _refused(status, kinds, str(error).lower(), asked)


def _refused(status: int, kinds: tuple[str, ...], text: str, asked: Asked) -> RagsqlError:
    model, place, setting = asked.model, asked.place, asked.setting
    if any("context" in kind for kind in kinds) or any(words in text for words in _TOO_LONG):
        return UpstreamUnavailable(
            f"The prompt is longer than {model} reads. Ask a shorter question, or set {setting} to a model that reads "
            "more."
        )
    if any(kind in _FILTERED for kind in kinds):
        return asked.refusal
    if any(kind in _UNSUPPORTED for kind in kinds):
        return NotConfigured(f"{model} at {place} does not take what is asked of it. Set {setting} to another model.")
    if status < 500:
        return UpstreamUnavailable(
            f"{model} at {place} refuses the request with HTTP status {status}. Check {setting} and OPENAI_BASE_URL."
        )
    return UpstreamUnavailable(
        f"{model} at {place} failed with HTTP status {status}. Try again, or check OPENAI_BASE_URL."
    )


def _kinds(error: Exception) -> tuple[str, ...]:
    """The code and the type of an error as the server names it."""
    return tuple(str(getattr(error, name, None) or "") for name in ("code", "type"))


def _own(error: Exception) -> RagsqlError | None:
    """An error of ours, also where the SDK has wrapped it."""
    return next((said for said in (error, error.__cause__) if isinstance(said, RagsqlError)), None)
