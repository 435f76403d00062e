"""The base class of resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sikoia_async._transport.tracebacks import methods_without_frames

if TYPE_CHECKING:
    from sikoia_async._calls.api import Api

__all__ = ["Resource"]


class _PublicNames(type):
    """A type whose `dir()`, and so its completion and `help()`, has public names only."""

    def __dir__(cls) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]


class Resource(metaclass=_PublicNames):
    """Base class of resources: methods that make calls with one client's `Api`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def __init_subclass__(cls) -> None:
        methods_without_frames(cls)

    def __dir__(self) -> list[str]:
        return dir(type(self))

    def __repr__(self) -> str:
        name = re.sub(r"\B(?=[A-Z])", "_", type(self).__name__).lower()
        return f"<{name} of Sikoia {self._api.context.environment}>"
