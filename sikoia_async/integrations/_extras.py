"""What is missing if an integration cannot be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Extra"]


class Extra:
    """Names the extra to install if a library is missing: `with Extra("fastapi"): import fastapi`.

    Args:
        name: the extra of this package that comes with the library.

    Raises:
        ModuleNotFoundError: the library is not installed.
    """

    def __init__(self, name: str) -> None:
        self._name: Final = name

    def __enter__(self) -> None:
        """Begin to import."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Raise a clearer error if a library is missing."""
        if isinstance(error, ModuleNotFoundError):
            msg = f"{error}: pip install 'sikoia-async[{self._name}]'"
            raise ModuleNotFoundError(msg, name=error.name) from None
