"""Purchases that are made once, and batches of them.

Import everything from here. Names are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sikoia_async.batch.batch import Batch
    from sikoia_async.batch.doubts import Doubt
    from sikoia_async.batch.progress import Progress
    from sikoia_async.batch.purchases import Purchases
    from sikoia_async.batch.results import Done, Failed, InDoubt
    from sikoia_async.batch.run import Run

__all__ = ["Batch", "Done", "Doubt", "Failed", "InDoubt", "Progress", "Purchases", "Run"]

_MODULES: Final = {
    "Batch": "batch",
    "Done": "results",
    "Doubt": "doubts",
    "Failed": "results",
    "InDoubt": "results",
    "Progress": "progress",
    "Purchases": "purchases",
    "Run": "run",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
