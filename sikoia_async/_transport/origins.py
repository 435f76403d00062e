"""The origins that this process has sent requests to, for the scrubber of error reports."""

from collections import OrderedDict
from typing import Final

__all__ = ["is_known", "remember"]

_MOST: Final = 1000
"""A server that fetches links for others meets any number of hosts."""
_origins: Final = OrderedDict[str, None]()


def remember(origin: str) -> None:
    """Remember an origin, such as `https://api.sikoia.com`; the newest 1,000 are kept."""
    _origins[origin.lower()] = None
    _origins.move_to_end(origin.lower())
    if len(_origins) > _MOST:
        _origins.popitem(last=False)


def is_known(origin: str) -> bool:
    """Return whether a request of this SDK may have gone to an origin."""
    return origin.lower() in _origins
