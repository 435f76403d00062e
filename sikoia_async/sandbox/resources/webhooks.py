"""The operations on webhooks, their secret and their log."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import conflict, invalid_request, not_found
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.resources.webhook_bodies import (
    CREATE_WEBHOOK,
    EVENTS,
    UPDATE_WEBHOOK,
    event_types,
)
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

_SECRET = "webhook_secret"  # noqa: S105 - the name of a store


def routes(state: State) -> list[Route]:
    """Return the routes for webhooks."""
    webhooks, secret = Webhooks(state), Secret(state)
    one = Resource(get=webhooks.get, patch=webhooks.update, delete=webhooks.delete)
    the_secret = Resource(get=secret.get, post=secret.create, delete=secret.delete)
    return [
        Route("/v2/webhooks", Resource(get=webhooks.find, post=webhooks.create)),
        Route("/v2/webhooks/event-types", Resource(get=find_event_types)),
        Route("/v2/webhooks/secrets", the_secret),
        Route("/v2/webhooks/secrets/rotate", Resource(patch=secret.rotate)),
        Route("/v2/webhooks/{webhook_id}", one),
        Route("/v2/webhooks/{webhook_id}/requests", Resource(get=webhooks.find_requests)),
    ]


async def find_event_types(_request: Request) -> Response:
    """Return the event types that webhooks can subscribe to."""
    groups = [
        {"event_group_name": name, "event_types": event_types(tree)}
        for name, tree in EVENTS.items()
    ]
    return JSONResponse(groups)


class Webhooks:
    """Handlers for `/v2/webhooks` and their logs."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._webhooks = state.store("webhooks")

    async def find(self, _request: Request) -> Response:
        """Return all webhooks, newest first."""
        return JSONResponse([entry.record for entry in self._webhooks][::-1])

    async def create(self, request: Request) -> Response:
        """Create a webhook."""
        body = await read(request, CREATE_WEBHOOK)
        now = long_timestamp(self._state.now())
        webhook: Record = {
            "webhook_id": self._state.new_id(),
            "webhook_name": body["webhook_name"],
            "webhook_callback_url": body["webhook_callback_url"],
            "external_ref": body.get("external_ref") or None,
            "event_types": body["event_types"],
            "datetime_created": now,
            "datetime_updated": now,
        }
        self._webhooks.add(webhook["webhook_id"], webhook)
        return JSONResponse(webhook, 201)

    async def get(self, request: Request) -> Response:
        """Return one webhook."""
        return JSONResponse(self._webhook(request))

    async def update(self, request: Request) -> Response:
        """Change fields of a webhook; an empty string clears the reference."""
        webhook = self._webhook(request)
        body = await read(request, UPDATE_WEBHOOK)
        changes = {name: value or None for name, value in body.items() if value is not None}
        if not changes:
            detail = "The body must name a field to change."
            raise invalid_request(detail)
        webhook.update(changes, datetime_updated=long_timestamp(self._state.now()))
        return JSONResponse(webhook)

    async def delete(self, request: Request) -> Response:
        """Delete a webhook and its log."""
        webhook_id = request.path_params["webhook_id"]
        self._webhooks.remove(webhook_id)
        self._state.store("webhook_requests").remove_of({webhook_id})
        return Response(status_code=204)

    async def find_requests(self, request: Request) -> Response:
        """Return a page of a webhook's log."""
        webhook_id = self._webhook(request)["webhook_id"]
        return JSONResponse(webhook_log.page(self._state, webhook_id, request.query_params))

    def _webhook(self, request: Request) -> Record:
        return self._webhooks.get(request.path_params["webhook_id"]).record


class Secret:
    """Handlers for `/v2/webhooks/secrets`; an organisation has at most one secret."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._secrets = state.store(_SECRET)

    async def get(self, _request: Request) -> Response:
        """Return the secret."""
        return JSONResponse(self._entry().record["secret"])

    async def create(self, _request: Request) -> Response:
        """Create the secret."""
        if len(self._secrets):
            title = "Cannot create multiple webhook secrets"
            raise conflict(title, "There is a secret already; rotate or delete it.")
        now = short_timestamp(self._state.now())
        secret = {"shared_key": self._new_key(), "date_created": now, "date_updated": now}
        secret_id = self._state.new_id()
        self._secrets.add(secret_id, {"secret_id": secret_id, "secret": secret})
        return JSONResponse(secret, 201)

    async def rotate(self, _request: Request) -> Response:
        """Replace the key."""
        secret = self._entry().record["secret"]
        secret.update(shared_key=self._new_key(), date_updated=short_timestamp(self._state.now()))
        return JSONResponse(secret)

    async def delete(self, _request: Request) -> Response:
        """Delete the secret."""
        self._secrets.remove(self._entry().record["secret_id"])
        return Response(status_code=204)

    def _entry(self) -> Entry:
        for entry in self._secrets:
            return entry
        what = "/v2/webhooks/secrets"
        raise not_found(what)

    def _new_key(self) -> str:
        return self._state.draw("webhook key", self._state.new_id()).randbytes(32).hex()
