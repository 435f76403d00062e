"""The base class of resources."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from sikoia_async._transport.tracebacks import methods_without_frames
from sikoia_async._validation import no_attribute

if TYPE_CHECKING:
    from sikoia_async._calls.api import Api

__all__ = ["Resource", "resource_property"]


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

    if not TYPE_CHECKING:  # which would believe that every attribute exists

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(self, name)

    def __repr__(self) -> str:
        name = re.sub(r"\B(?=[A-Z])", "_", type(self).__name__).lower()
        return f"<{name} of Sikoia {self._api.context.environment}>"


class _NoClient:
    """Stands for everything that a resource would take from its client."""

    def __getattr__(self, name: str) -> _NoClient:
        if name.startswith("__"):  # such as what mocks and copies look for
            raise AttributeError(name)
        return self

    def __str__(self) -> str:
        return "(no client)"


if TYPE_CHECKING:
    resource_property = cached_property
else:

    class resource_property(cached_property):  # noqa: N801 - a decorator, like its base class
        """A cached property whose value on the class is a resource without a client.

        `unittest.mock.create_autospec(Sikoia)` looks there for the methods that a resource has.
        """

        def __get__(self, instance: object, owner: type | None = None) -> object:
            return super().__get__(_NoClient() if instance is None else instance, owner)
