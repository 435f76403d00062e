"""Tools for testing your own code: a local Sikoia in memory, clients of it, and a pytest plugin.

    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            case = await sikoia.cases.create(name="Loan", case_type="Business")

A `Cassette` records the responses of an environment without personal data and replays them offline.

`sikoia_async.testing.plugin` has fixtures for pytest. Names are loaded on first use, so that the
plugin is cheap in suites whose tests do not use its fixtures.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sikoia_async.testing.cassettes import Cassette as Cassette
    from sikoia_async.testing.cassettes import CassetteError as CassetteError
    from sikoia_async.testing.chaos import FaultyTransport as FaultyTransport
    from sikoia_async.testing.chaos import faulty as faulty
    from sikoia_async.testing.clients import client_of as client_of
    from sikoia_async.testing.memory import in_memory as in_memory
    from sikoia_async.testing.sandboxes import MemorySandbox as MemorySandbox
    from sikoia_async.testing.stubs import respond_with as respond_with
    from sikoia_async.testing.virtual import VirtualEventLoop as VirtualEventLoop
    from sikoia_async.testing.virtual import virtual_backend as virtual_backend
    from sikoia_async.testing.virtual import virtual_time as virtual_time

__all__ = [
    "Cassette",
    "CassetteError",
    "FaultyTransport",
    "MemorySandbox",
    "VirtualEventLoop",
    "client_of",
    "faulty",
    "in_memory",
    "respond_with",
    "virtual_backend",
    "virtual_time",
]

_MODULES: Final = {
    "Cassette": "sikoia_async.testing.cassettes",
    "CassetteError": "sikoia_async.testing.cassettes",
    "MemorySandbox": "sikoia_async.testing.sandboxes",
    "FaultyTransport": "sikoia_async.testing.chaos",
    "client_of": "sikoia_async.testing.clients",
    "faulty": "sikoia_async.testing.chaos",
    "in_memory": "sikoia_async.testing.memory",
    "respond_with": "sikoia_async.testing.stubs",
    "VirtualEventLoop": "sikoia_async.testing.virtual",
    "virtual_backend": "sikoia_async.testing.virtual",
    "virtual_time": "sikoia_async.testing.virtual",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
