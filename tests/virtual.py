"""Virtual time: a test of hours takes milliseconds."""

from functools import partial

from sikoia_async.testing.virtual import VirtualEventLoop as VirtualLoop
from sikoia_async.testing.virtual import virtual_backend

__all__ = ["BACKENDS", "VirtualLoop"]

BACKENDS = {
    "asyncio": partial(virtual_backend, "asyncio"),
    "trio": partial(virtual_backend, "trio"),
}
"""Functions that return a backend with virtual time, for the pytest plugin of anyio."""
