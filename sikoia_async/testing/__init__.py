"""What tests of your own code need: a local Sikoia in memory, clients of it, and a pytest plugin.

    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            case = await sikoia.cases.create(name="Loan", case_type="Business")

A `Cassette` replays offline what an environment has answered once, without personal data.

With pytest, `sikoia_async.testing.plugin` brings fixtures. Names are loaded when they are first
used, so that the plugin costs next to nothing where no test asks for a fixture.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sikoia_async.testing.cassettes import Cassette as Cassette
    from sikoia_async.testing.cassettes import CassetteError as CassetteError
    from sikoia_async.testing.clients import client_of as client_of
    from sikoia_async.testing.memory import in_memory as in_memory
    from sikoia_async.testing.sandboxes import MemorySandbox as MemorySandbox

__all__ = ["Cassette", "CassetteError", "MemorySandbox", "client_of", "in_memory"]

_HOME_OF: Final = {
    "Cassette": "sikoia_async.testing.cassettes",
    "CassetteError": "sikoia_async.testing.cassettes",
    "MemorySandbox": "sikoia_async.testing.sandboxes",
    "client_of": "sikoia_async.testing.clients",
    "in_memory": "sikoia_async.testing.memory",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
