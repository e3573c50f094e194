"""What models cost, in US dollars."""

from __future__ import annotations

import datetime as dt
import re

PRICES_AS_OF = dt.date(2025, 6, 1)

# Input and output, for a million tokens.
_PRICES: dict[str, tuple[float, float]] = {
    "gpt-4.1": (2.00, 8.00),
    "gpt-4.1-mini": (0.40, 1.60),
    "gpt-4.1-nano": (0.10, 0.40),
    "gpt-4o": (2.50, 10.00),
    "gpt-4o-mini": (0.15, 0.60),
    "text-embedding-3-large": (0.13, 0.0),
    "text-embedding-3-small": (0.02, 0.0),
}
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_LOCAL = re.compile(r"local:|all-minilm-l6-v2$")


def cost_usd(model: str, input_tokens: int, output_tokens: int = 0) -> float:
    """Dollars by the table of PRICES_AS_OF; 0 for local models and for those that the table does not know.

    A dated name such as gpt-4o-2024-08-06 costs what the model without the date does.
    """
    price_in, price_out = _PRICES.get(_DATED.sub("", model), (0.0, 0.0))
    return (input_tokens * price_in + output_tokens * price_out) / 1_000_000


def is_priced(model: str) -> bool:
    """Whether cost_usd knows: the model is in the table, or runs here and costs nothing."""
    return bool(_LOCAL.match(model)) or _DATED.sub("", model) in _PRICES
