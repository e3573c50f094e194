"""What models cost, in US dollars."""

from __future__ import annotations

import datetime as dt
import re

PRICES_AS_OF = dt.date(2026, 3, 21)
"""When these were last found in agreement: openai.com/index/api-prompt-caching for gpt-4o, the table of GitHub's docs
(data/tables/copilot/models-and-pricing.yml) for gpt-4.1, gpt-5-mini, 5.2 and 5.4, two listings of OpenAI's page for
each of the others."""

# Input, input that the vendor still has from another prompt, and output, for a million tokens.
_PRICES: dict[str, tuple[float, float, float]] = {
    "gpt-4.1": (2.00, 0.50, 8.00),
    "gpt-4.1-mini": (0.40, 0.10, 1.60),
    "gpt-4.1-nano": (0.10, 0.025, 0.40),
    "gpt-4o": (2.50, 1.25, 10.00),
    "gpt-4o-mini": (0.15, 0.075, 0.60),
    "gpt-5": (1.25, 0.125, 10.00),
    "gpt-5-mini": (0.25, 0.025, 2.00),
    "gpt-5-nano": (0.05, 0.005, 0.40),
    "gpt-5.1": (1.25, 0.125, 10.00),
    "gpt-5.2": (1.75, 0.175, 14.00),
    "gpt-5.4": (2.50, 0.25, 15.00),
    "gpt-5.4-mini": (0.75, 0.075, 4.50),
    "gpt-5.4-nano": (0.20, 0.02, 1.25),
    "text-embedding-3-large": (0.13, 0.13, 0.0),
    "text-embedding-3-small": (0.02, 0.02, 0.0),
}
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_LOCAL = re.compile(r"local:|all-minilm-l6-v2$")


def cost_usd(model: str, input_tokens: float, output_tokens: float = 0, cached_tokens: float = 0) -> float:
    """Dollars by the table of PRICES_AS_OF; 0 for local models and for those that the table does not know.

    cached_tokens are those of the input that the vendor still had. A dated name such as gpt-4o-2024-08-06 costs what
    the model without the date does.
    """
    price_in, price_cached, price_out = _PRICES.get(_DATED.sub("", model), (0.0, 0.0, 0.0))
    fresh = input_tokens - cached_tokens
    return (fresh * price_in + cached_tokens * price_cached + output_tokens * price_out) / 1_000_000


def is_priced(model: str) -> bool:
    """Whether cost_usd knows: the model is in the table, or runs here and costs nothing."""
    return bool(_LOCAL.match(model)) or _DATED.sub("", model) in _PRICES
