"""How settings are read from text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from service.adapters.postgres_address import SCHEMES, check_address

TRUE_WORDS = ("true", "1", "yes", "on")
FALSE_WORDS = ("false", "0", "no", "off")


def as_text(raw: str) -> str:
    """Any text."""
    return raw


def as_path(raw: str) -> Path:
    """A path; ~ is the user's home."""
    return Path(raw).expanduser()


def as_flag(raw: str) -> bool:
    """True or false. Raises ValueError."""
    if raw.lower() in TRUE_WORDS:
        return True
    if raw.lower() in FALSE_WORDS:
        return False
    raise ValueError(f"{raw!r} is neither true nor false. Use true or false.")


def as_words(raw: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word for word in (part.strip() for part in raw.split(",")) if word)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers in a range, which raises ValueError."""

    def parse(raw: str) -> int:
        if not raw.lstrip("-").isdecimal() or not least <= int(raw) <= most:
            raise ValueError(f"{raw!r} is not a whole number from {least} to {most}.")
        return int(raw)

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """A parser of one of these words in any case, which raises ValueError."""

    def parse(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError(f"{raw!r} is not one of {', '.join(words)}.")
        return raw.lower()

    return parse


def address(*schemes: str) -> Callable[[str], str]:
    """A parser of URLs with one of these schemes, which raises ValueError."""

    def parse(raw: str) -> str:
        if raw.split(":", 1)[0] not in schemes or "://" not in raw:
            raise ValueError(f"It must begin with {' or '.join(scheme + '://' for scheme in schemes)}.")
        return raw

    return parse


def database(*others: str) -> Callable[[str], str]:
    """A parser of PostgreSQL URLs, or URLs with one of the other schemes, which raises ValueError.

    A server on another machine must be reached over TLS.
    """

    def parse(raw: str) -> str:
        url = address(*others, *SCHEMES)(raw)
        if url.partition("://")[0] not in others:
            check_address(url)
        return url

    return parse


def setting(name: str, parse: Callable[[str], Any], default: Any, shown: str, text: str) -> Any:
    """A field of the settings. shown is the default as a person reads it; what may be secret is not in the repr."""
    metadata = {"name": name, "parse": parse, "shown": shown, "help": text}
    return field(default=default, repr=not name.endswith(("_KEY", "_URL", "_HEADERS")), metadata=metadata)
