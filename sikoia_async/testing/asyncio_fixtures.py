"""The client fixture for tests that pytest-asyncio runs, once for each scope of its event loop."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest  # noqa: TC002 - pytest-asyncio evaluates the annotation

from sikoia_async.testing.fixtures import open_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sikoia_async import Sikoia
    from sikoia_async.sandbox import Sandbox

__all__ = ["LoopScope", "fixtures"]

LoopScope = Literal["function", "class", "module", "package", "session"]

_LOOP_SCOPES: Final[tuple[LoopScope, ...]] = ("function", "class", "module", "package", "session")


def fixtures() -> ModuleType:
    """Return a plugin with the fixtures `_sikoia_in_function_loop` and so on."""
    plugin = ModuleType(__name__)  # of a class, pytest would take the fixtures for methods
    vars(plugin).update((f"_sikoia_in_{scope}_loop", _fixture(scope)) for scope in _LOOP_SCOPES)
    return plugin


def _fixture(scope: LoopScope) -> Any:
    import pytest_asyncio  # noqa: PLC0415 - an optional dependency

    @pytest_asyncio.fixture(loop_scope=scope)
    async def client(
        request: pytest.FixtureRequest, sikoia_sandbox: Sandbox
    ) -> AsyncGenerator[Sikoia]:
        async with open_client(request, sikoia_sandbox) as opened:
            yield opened

    return client
