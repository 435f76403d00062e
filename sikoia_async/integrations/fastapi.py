"""FastAPI: a client in the lifespan, correlation ids, error responses and a webhook endpoint.

    app = FastAPI()
    setup(app, webhooks=router)

    @app.get("/users")
    async def users(sikoia: Client) -> int: ...

Everything but `Client` is that of `sikoia_async.integrations.starlette`.
"""

from typing import Annotated, TypeAlias

from fastapi import Depends

from sikoia_async import Sikoia
from sikoia_async.integrations.asgi import CorrelationIdMiddleware
from sikoia_async.integrations.starlette import (
    STATUSES,
    error_handler,
    get_client,
    lifespan,
    setup,
    webhook_routes,
)

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

Client: TypeAlias = Annotated[Sikoia, Depends(get_client)]
"""The application's client, as a parameter of an endpoint: `sikoia: Client`. A test replaces it in
`app.dependency_overrides[get_client]`."""
