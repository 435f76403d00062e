"""Test models with a `.response`, as models from the API have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from sikoia_async import ArgumentTypeError, Attempt, Items, Model, ResponseInfo
from sikoia_async._transport.headers import ResponseHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["respond_with"]

M = TypeVar("M", bound=Model)


@overload
def respond_with(
    value: M,
    *,
    status: int = ...,
    headers: Mapping[str, str] | None = ...,
    correlation_id: str = ...,
    method: str = ...,
    path: str = ...,
) -> M: ...
@overload
def respond_with(
    value: Sequence[M],
    *,
    status: int = ...,
    headers: Mapping[str, str] | None = ...,
    correlation_id: str = ...,
    method: str = ...,
    path: str = ...,
) -> Items[M]: ...
def respond_with(
    value: Model | Sequence[Model],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    correlation_id: str = "stub",
    method: str = "GET",
    path: str = "/stub",
) -> Any:
    """Give a model a `.response`, as if it had come from the API.

        list_users = AsyncMock(return_value=respond_with([User(user_id="u-1")]))

    Args:
        value: the model; or a list of models, which becomes the `Items` that a method returns.
        status: the HTTP status.
        headers: the headers of the response.
        correlation_id: the correlation id that was sent and received.
        method: the HTTP method of the call.
        path: its path, as a template.

    Returns:
        The same model, or `Items` of the same models.

    Raises:
        ArgumentTypeError: `value` is neither a model nor a list of models.
    """
    models: Sequence[Any] = (value,) if isinstance(value, Model) else value
    if isinstance(models, str | bytes) or not all(isinstance(one, Model) for one in models):
        msg = "value: expected a model, or a list of models"
        raise ArgumentTypeError(msg)
    attempt = Attempt(
        status=status, error=None, waited=0.0, seconds=0.0, correlation_id=correlation_id
    )
    info = ResponseInfo(
        method=method,
        path=path,
        url=f"https://sikoia.invalid{path}",
        correlation_id=correlation_id,
        sent_correlation_id=correlation_id,
        attempts=(attempt,),
        seconds=0.0,
        headers=ResponseHeaders({name.lower(): one for name, one in (headers or {}).items()}),
        http_version="HTTP/1.1",
        status=status,
    )
    for model in models:
        object.__setattr__(model, "_response", info)
    if isinstance(value, Model):
        return value
    items: Items[Any] = Items(models)
    vars(items)["_response"] = info
    return items
