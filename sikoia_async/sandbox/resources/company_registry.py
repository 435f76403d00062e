"""The operations on registry data.

Every number and name matches one company, unless a scenario says otherwise. If there are several,
the last one is closed. `ZZ` and `XX` are not countries.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import (
    ApiError,
    invalid_request,
    not_found_as_invalid,
    unprocessable,
)
from sikoia_async.sandbox.resources import picklists, registry_history
from sikoia_async.sandbox.resources.credits import require_paid, require_service
from sikoia_async.sandbox.resources.field_rules import (
    boolean,
    country,
    jurisdiction,
    natural,
    non_empty,
    object_of,
    optional,
    string,
)
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

_SUMMARY = (
    "request_id",
    "status",
    "datetime_requested",
    "message",
    "company_number",
    "company_name",
    "country_code",
)

REQUEST = object_of(
    {
        "company_id": non_empty,
        "company_number": optional(string),
        "company_name": optional(string),
        "country_code": optional(country),
    },
    required=("company_id",),
)
RESOLVE = object_of(
    {"request_id": non_empty, "picklist_index": natural}, required=("request_id", "picklist_index")
)
SEARCH = object_of(
    {
        "company_name": non_empty,
        "jurisdiction_code": optional(jurisdiction),
        "country_code": optional(country),
        "exclude_inactive": boolean,
        "company_id": optional(string),
    },
    required=("company_name",),
)


def routes(state: State) -> list[Route]:
    """Return the routes for registry data."""
    registry = CompanyRegistry(state)
    return [
        Route("/v2/company-registry-data", Resource(post=registry.request)),
        Route("/v2/company-registry-data/picklist", Resource(post=registry.resolve)),
        Route("/v2/company-registry-data/search", Resource(post=registry.search)),
        Route("/v2/company-registry-data/{request_id}", Resource(get=registry.get)),
        Route("/v2/companies/{company_id}/registry-data", Resource(get=registry.find)),
    ]


class CompanyRegistry:
    """Handlers for `/v2/company-registry-data` and the list of a company's requests."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._requests = state.store("registry data")

    async def request(self, request: Request) -> Response:
        """Look up a company."""
        body = await read(request, REQUEST)
        with not_found_as_invalid("company_id"):
            company = self._state.entity("company", body["company_id"])
        require_service(self._state, company)
        details = _details(body, company)
        matches = self._matches(details)
        if len(matches) > 1:
            return self._respond(company["company_id"], details, "TooManyResults", matches)
        for match in matches:
            details["company_number"] = details["company_number"] or match["company_number"]
        status = "Complete" if matches else "Failed"
        return self._respond(company["company_id"], details, status)

    async def resolve(self, request: Request) -> Response:
        """Look up a company on a picklist; this is a new request."""
        body = await read(request, RESOLVE)
        with not_found_as_invalid("request_id"):
            earlier = self._requests.get(body["request_id"])
        require_service(self._state, self._state.entity("company", earlier.entity_id))
        item = picklists.pick(earlier.record["picklist"], body["picklist_index"])
        details = {name: item[name] for name in ("company_number", "company_name", "country_code")}
        self._require_paid(details)
        return self._respond(earlier.entity_id, details, "Complete")

    async def search(self, request: Request) -> Response:
        """Search for companies; if there are none, the response is a 404."""
        body = await read(request, SEARCH)
        limit = _items_per_page(request.query_params.get("items_per_page", "100"))
        country_code = (body.get("jurisdiction_code") or body.get("country_code") or "")[:2].upper()
        if not country_code:
            detail = "jurisdiction_code or country_code is required."
            raise invalid_request(detail)
        if body.get("company_id"):
            with not_found_as_invalid("company_id"):
                company = self._state.entity("company", body["company_id"])
            require_service(self._state, company)
        matches = self._matches(
            {
                "company_number": None,
                "company_name": body["company_name"],
                "country_code": country_code,
            }
        )
        results = [
            item
            for item in matches
            if item["company_status"] == "Active" or not body.get("exclude_inactive")
        ]
        if not results:
            detail = "The registers have no company with this name."
            raise ApiError(kind="ResourceNotFound", detail=detail)
        return JSONResponse(results[:limit])

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
        return JSONResponse({"company_id": company_id, "registry_data_requests": requests})

    def _matches(self, details: Record) -> list[Record]:
        """Return the matching companies."""
        scenario = self._require_paid(details)
        name, country_code = details["company_name"], details["country_code"]
        draw = self._state.draw("companies named", name.lower(), country_code)
        items = picklists.make(draw, scenario, details, first=self._state.picklist_base)
        if len(items) > 1:
            # A later request by its number has to give the same status.
            self._state.closed_numbers.add(items[-1]["company_number"])
        return [registry_history.match(self._state, item) for item in items]

    def _require_paid(self, details: Record) -> Scenario:
        number, name = details["company_number"], details["company_name"]
        scenario = self._state.scenarios.of_company(number, name)
        require_paid(scenario)
        return scenario

    def _respond(
        self, company_id: str, details: Record, status: str, matches: list[Record] | None = None
    ) -> Response:
        request_id = self._state.new_id()
        has_data = status == "Complete"
        entry = self._requests.add(
            request_id,
            {
                "request_id": request_id,
                "status": status,
                "company_id": company_id,
                "datetime_requested": self._state.now(),
                "message": None if has_data else _MESSAGES[status],
                **details,
                "data": registry_history.full_record(self._state, details) if has_data else None,
                "picklist": matches or [],
            },
            entity_id=company_id,
        )
        picklist = entry.record["picklist"]
        return JSONResponse(
            {**_as_response(entry), "company_id": company_id, "picklist": picklist}, 201
        )


_MESSAGES = {
    "Failed": "The register has no such company.",
    "TooManyResults": "Several companies match; pick one.",
}


def _as_response(entry: Entry) -> Record:
    fields = {name: entry.record[name] for name in _SUMMARY}
    return {**fields, "datetime_requested": long_timestamp(fields["datetime_requested"])}


def _details(body: Record, company: Record) -> Record:
    """Complete a request with the company's details; a name without a number stays as it is."""
    name = body.get("company_name") or None
    number = body.get("company_number") or (None if name else company["company_number"])
    country_code = (body.get("country_code") or (company["jurisdiction_code"] or "")[:2]).upper()
    if not country_code or not (name or number):
        missing = "company_number" if country_code else "country_code"
        detail = f"The company has no {missing}: send one, or add it to the company."
        raise unprocessable(detail)
    return {
        "company_number": number,
        "company_name": name or company["company_name"],
        "country_code": country_code,
    }


def _items_per_page(value: str) -> int:
    if not value.isdecimal() or not int(value):
        detail = "items_per_page must be a whole number, one or more."
        raise invalid_request(detail)
    return int(value)
