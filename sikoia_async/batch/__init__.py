"""Purchases that are made once, and batches of them.

Import everything from here. Names are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sikoia_async.batch.doubts import Doubt
    from sikoia_async.batch.purchases import Purchases

__all__ = ["Doubt", "Purchases"]

_MODULES: Final = {"Doubt": "doubts", "Purchases": "purchases"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
