"""FastAPI: a client in the lifespan, correlation ids, error responses and a webhook endpoint.

    app = FastAPI()
    setup(app, webhooks=router)

    @app.get("/users")
    async def users(sikoia: Client) -> int: ...

Everything except `Client` comes from `sikoia_async.integrations.starlette`.
"""

from typing import Annotated, TypeAlias

from sikoia_async import Sikoia
from sikoia_async.integrations._extras import Extra
from sikoia_async.integrations.asgi import CorrelationIdMiddleware
from sikoia_async.integrations.starlette import (
    STATUSES,
    error_handler,
    get_client,
    lifespan,
    setup,
    webhook_routes,
)
from sikoia_async.models import Model

with Extra("fastapi"):
    from fastapi import Depends, encoders

__all__ = [
    "STATUSES",
    "Client",
    "CorrelationIdMiddleware",
    "error_handler",
    "get_client",
    "lifespan",
    "setup",
    "webhook_routes",
]

# FastAPI encodes what an endpoint returns by its annotation, and without one by this table, which
# is not documented: a version without it still has everything else.
vars(encoders).get("encoders_by_class_tuples", {})[Model.to_dict] = (Model,)

Client: TypeAlias = Annotated[Sikoia, Depends(get_client)]
"""The application's client, as a parameter of an endpoint: `sikoia: Client`. A test replaces it in
`app.dependency_overrides[get_client]`."""
