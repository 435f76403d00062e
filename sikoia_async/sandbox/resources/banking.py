"""The operations on open banking."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.resources import bank_transactions
from sikoia_async.sandbox.resources.bank_accounts import Bank
from sikoia_async.sandbox.resources.field_rules import country, object_of, one_of, optional, uuid
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State

Rows = Callable[[State, Record], list[Record]]

_CONNECT = object_of(
    {
        # Here the specification requires the format of a UUID; elsewhere any string will do.
        "entity_id": uuid,
        "entity_type": one_of("company", "person", "case"),
        "country_code": optional(country),
    },
    required=("entity_id", "entity_type"),
)


def routes(state: State) -> list[Route]:
    """Return the routes for bank connections, accounts, balances and transactions."""
    banking = Banking(state)
    connection = Resource(get=banking.connection, delete=banking.disconnect)
    entity, account = "/v2/{entity_type}/{entity_id}", "/v2/bankaccounts/{account_connection_id}"
    return [
        Route("/v2/openbanking", Resource(post=banking.connect)),
        Route("/v2/openbanking/{bank_connection_id}", connection),
        Route(f"{entity}/openbanking", Resource(get=banking.connections)),
        Route(f"{entity}/bankaccounts", Resource(get=banking.accounts)),
        Route(account, Resource(get=banking.account)),
        Route(f"{account}/balances", Resource(get=banking.balances)),
        Route(f"{account}/transactions", Resource(get=banking.transactions)),
        Route(f"{account}/refresh", Resource(post=banking.refresh)),
    ]


class Banking:
    """Handlers for `/v2/openbanking`, `/v2/bankaccounts` and everything below them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._bank = Bank(state)

    async def connect(self, request: Request) -> Response:
        """Create a connection, with a link for the account holder."""
        body = await read(request, _CONNECT)
        country_code = (body.get("country_code") or "").upper() or None
        return JSONResponse(self._bank.connect({**body, "country_code": country_code}), 201)

    async def connections(self, request: Request) -> Response:
        """Return an entity's connections, filtered by `completed`."""
        completed = _completed(request)
        connections = self._bank.connections(self._entity_id(request))
        return JSONResponse(
            [one for one in connections if completed in (None, one["status"] == "Connected")]
        )

    async def connection(self, request: Request) -> Response:
        """Return one connection."""
        return JSONResponse(self._bank.connection(request.path_params["bank_connection_id"]))

    async def disconnect(self, request: Request) -> Response:
        """Delete a connection with its accounts."""
        self._bank.disconnect(request.path_params["bank_connection_id"])
        return Response(status_code=204)

    async def accounts(self, request: Request) -> Response:
        """Return an entity's accounts."""
        return JSONResponse(self._bank.accounts(self._entity_id(request)))

    async def account(self, request: Request) -> Response:
        """Return one account."""
        return JSONResponse(self._bank.account(_account_id(request)))

    async def balances(self, request: Request) -> Response:
        """Return the balances of an account."""
        return self._respond(request, "balances", bank_transactions.balances)

    async def transactions(self, request: Request) -> Response:
        """Return the transactions of an account."""
        return self._respond(request, "transactions", bank_transactions.transactions)

    async def refresh(self, request: Request) -> Response:
        """Start a refresh of an account, and return the account as it was before."""
        return JSONResponse(self._bank.refresh(_account_id(request)))

    def _respond(self, request: Request, name: str, rows: Rows) -> Response:
        account = self._bank.account(_account_id(request))
        return JSONResponse(
            {
                "account_connection_id": account["account_connection_id"],
                name: rows(self._state, account),
                "datetime_refreshed": account["datetime_last_refreshed"],
            }
        )

    def _entity_id(self, request: Request) -> str:
        entity_id: str = request.path_params["entity_id"]
        self._state.entity(request.path_params["entity_type"], entity_id)
        return entity_id


def _account_id(request: Request) -> str:
    account_id: str = request.path_params["account_connection_id"]
    return account_id


def _completed(request: Request) -> bool | None:
    completed = request.query_params.get("completed")
    if completed is None:
        return None
    if completed.lower() in ("true", "false"):
        return completed.lower() == "true"
    detail = "completed must be true or false."
    raise invalid_request(detail)
