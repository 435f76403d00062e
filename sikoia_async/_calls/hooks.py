"""The caller's functions that are told about each attempt of a call."""

from __future__ import annotations

from inspect import isawaitable
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import attrs

from sikoia_async._errors import ArgumentTypeError, CallInfo
from sikoia_async._logging import log_hook_failed
from sikoia_async.models import ResponseInfo

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Hooks"]


def _validate_function(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        msg = f"{attribute.name}: expected a function, sync or async, with one parameter"
        raise ArgumentTypeError(msg)


@attrs.frozen(eq=False, repr=False)
class Hooks:
    """The caller's hooks; `Sikoia` documents them."""

    on_request: Callable[[CallInfo], Any] | None = attrs.field(
        default=None, validator=_validate_function
    )
    on_response: Callable[[ResponseInfo], Any] | None = attrs.field(
        default=None, validator=_validate_function
    )

    async def request(self, call: CallInfo) -> None:
        """Tell that an attempt begins; what the hook raises ends it."""
        if self.on_request is not None:
            await _awaited(self.on_request(call))

    async def response(self, call: CallInfo, status: int) -> None:
        """Tell that an attempt got a response; what the hook raises is logged."""
        if self.on_response is None:
            return
        values = {field.name: getattr(call, field.name) for field in attrs.fields(CallInfo)}
        try:
            await _awaited(self.on_response(ResponseInfo(**values, status=status)))
        except Exception as error:  # noqa: BLE001 - the response must not get lost
            place = extract_tb(error.__traceback__)[-1]
            log_hook_failed(f"{type(error).__name__} in {place.name}, line {place.lineno}")


async def _awaited(result: object) -> None:
    if isawaitable(result):
        await result
