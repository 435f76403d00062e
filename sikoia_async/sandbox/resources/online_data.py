"""The operations on online data."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import not_found_as_invalid, unprocessable
from sikoia_async.sandbox.resources.credits import require_service
from sikoia_async.sandbox.resources.field_rules import matching, object_of, optional, string
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

_SUMMARY = ("request_id", "status", "datetime_requested", "message", "company_name")
_OPENED = "2020-01-01T00:00:00Z"

REQUEST = object_of(
    {
        # The only id that the API also accepts in braces.
        "company_id": matching(
            r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?", "the id of a company"
        ),
        "company_name": optional(string),
    },
    required=("company_id",),
)


def routes(state: State) -> list[Route]:
    """Return the routes for online data."""
    online = OnlineData(state)
    return [
        Route("/v2/company-online-data", Resource(post=online.request)),
        Route("/v2/company-online-data/{request_id}", Resource(get=online.get)),
        Route("/v2/companies/{company_id}/online-data", Resource(get=online.find)),
    ]


class OnlineData:
    """Handlers for `/v2/company-online-data` and the list of a company's requests."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._requests = state.store("online data")

    async def request(self, request: Request) -> Response:
        """Search for a company online."""
        body = await read(request, REQUEST)
        with not_found_as_invalid("company_id"):
            company = self._state.entity("company", body["company_id"].strip("{}").lower())
        company_id, request_id = company["company_id"], self._state.new_id()
        require_service(self._state, company)
        name = body.get("company_name") or company["company_name"]
        number = None if body.get("company_name") else company["company_number"]
        scenario = self._state.scenarios.of_company(number, name)
        if not scenario.identifiable:
            detail = "The information about the company is insufficient."
            raise unprocessable(detail)
        is_found = scenario.online
        entry = self._requests.add(
            request_id,
            {
                "request_id": request_id,
                "status": "Complete" if is_found else "Failed",
                "company_id": company_id,
                "datetime_requested": self._state.now(),
                "message": None if is_found else "Nothing was found online.",
                "company_name": name,
                "data": _contacts(self._state, name) if is_found else None,
            },
            entity_id=company_id,
        )
        created = {**_as_response(entry), "company_id": company_id, "entity_type": "company"}
        return JSONResponse(created, 201)

    async def get(self, request: Request) -> Response:
        """Return one request with its data."""
        record = self._requests.get(request.path_params["request_id"]).record
        requested = short_timestamp(record["datetime_requested"])
        return JSONResponse({**record, "datetime_requested": requested})

    async def find(self, request: Request) -> Response:
        """Return the requests of a company, newest first."""
        company_id = request.path_params["company_id"]
        self._state.entity("company", company_id)
        requests = [_as_response(entry) for entry in self._requests.of(company_id)]
        return JSONResponse({"company_id": company_id, "online_data_requests": requests})


def _as_response(entry: Entry) -> Record:
    fields = {name: entry.record[name] for name in _SUMMARY}
    return {**fields, "datetime_requested": long_timestamp(fields["datetime_requested"])}


def _contacts(state: State, name: str) -> Record:
    """Return fictitious contacts, which are always the same for a name."""
    draw = state.draw("online", name)
    # Ofcom reserves 01632 960 for drama.
    number = f"+441632960{draw.randint(0, 999):03}"
    label = "".join(sign for sign in name.lower() if sign.isalnum() and sign.isascii())
    domain = f"{label[:60] or 'nameless'}.example"
    since = {"date_from": _OPENED, "date_to": None}
    phone = {"number_type": "Work", "country_code": "GB", "full_number": number, **since}
    email = {"email_type": "Work", "email_address": f"info@{domain}", "email_domain": domain}
    account = {
        "provider_name": "Placebook",
        "provider_url": "https://placebook.example",
        "account_name": name,
        "account_url": f"https://placebook.example/{label}",
    }
    return {
        "website_url": f"https://{domain}",
        "phones": [phone],
        "emails": [{**email, **since}],
        "online_accounts": [{**account, **since}],
    }
