"""The client of a test that pytest-asyncio runs: a fixture for each loop that this may be in."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest  # noqa: TC002 - pytest-asyncio asks for it by its name

from sikoia_async.testing.fixtures import open_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sikoia_async import Sikoia
    from sikoia_async.sandbox import Sandbox

__all__ = ["Loop", "fixtures"]

Loop = Literal["function", "class", "module", "package", "session"]

_LOOPS: Final[tuple[Loop, ...]] = ("function", "class", "module", "package", "session")


def fixtures() -> ModuleType:
    """Return a plugin of them: `_sikoia_in_function_loop`, and so on."""
    plugin = ModuleType(__name__)  # of other things pytest would take the fixtures for methods
    vars(plugin).update((f"_sikoia_in_{loop}_loop", _fixture(loop)) for loop in _LOOPS)
    return plugin


def _fixture(loop: Loop) -> Any:
    import pytest_asyncio  # noqa: PLC0415 - needed where it is loaded, and nowhere else

    @pytest_asyncio.fixture(loop_scope=loop)
    async def opened(
        request: pytest.FixtureRequest, sikoia_sandbox: Sandbox
    ) -> AsyncGenerator[Sikoia]:
        async with open_client(request, sikoia_sandbox) as client:
            yield client

    return opened
