"""The facts, in the order in which they are probed."""

from __future__ import annotations

from typing import Final

from tests.contract.fact import Fact
from tests.contract.facts import (
    changing,
    creating,
    deliveries,
    delivery_log,
    errors,
    event_types,
    listing,
    responses,
    target_urls,
    times,
)

__all__ = ["FACTS"]

_MODULES: Final = (
    creating,
    event_types,
    target_urls,
    changing,
    listing,
    times,
    errors,
    deliveries,
    delivery_log,
    responses,
)
FACTS: Final = tuple(fact for module in _MODULES for fact in vars(module).values() if isinstance(fact, Fact))
