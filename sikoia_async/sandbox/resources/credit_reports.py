"""The operations on credit reports. They complete at once; nothing is ever pending."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import ApiError, invalid_request, unprocessable
from sikoia_async.sandbox.resources import picklists, registry_companies
from sikoia_async.sandbox.resources.credit_data import report
from sikoia_async.sandbox.resources.credits import require_paid, require_service
from sikoia_async.sandbox.resources.field_rules import (
    country,
    natural,
    non_empty,
    object_of,
    optional,
    string,
)
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

_REQUEST = object_of(
    {
        "company_id": non_empty,
        "company_number": optional(string),
        "company_name": optional(string),
        "country_code": optional(country),
        "provider_id": optional(string),
    },
    required=("company_id",),
)
_RESOLVE = object_of(
    {"request_id": non_empty, "picklist_index": natural}, required=("request_id", "picklist_index")
)
_KIND = "credit_reports"


def routes(state: State) -> list[Route]:
    """Return the routes for credit reports."""
    reports = CreditReports(state)
    return [
        Route("/v2/company-credit-reports", Resource(post=reports.request)),
        Route("/v2/company-credit-reports/picklist", Resource(post=reports.resolve)),
        Route("/v2/company-credit-reports/{request_id}", Resource(get=reports.get)),
        Route("/v2/companies/{company_id}/credit-reports", Resource(get=reports.find)),
    ]


class CreditReports:
    """Handlers for credit reports."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._requests = state.store(_KIND)

    async def request(self, request: Request) -> Response:
        """Create a report, or a picklist if several companies match."""
        body = await read(request, _REQUEST)
        details = _details(body, self._company(body["company_id"]))
        _require_details(body, details)
        matches = self._matches(details)
        if len(matches) > 1 and not details["provider_id"]:
            return self._respond(body["company_id"], details, matches)
        for match in matches:
            details["company_number"] = details["company_number"] or match["company_number"]
        return self._respond(body["company_id"], details, [])

    async def resolve(self, request: Request) -> Response:
        """Create the report on a company on a picklist; this is a new request."""
        body = await read(request, _RESOLVE)
        earlier = self._earlier(body["request_id"])
        match = picklists.pick(earlier["picklist"], body["picklist_index"])
        return self._respond(earlier["company_id"], match, [])

    async def get(self, request: Request) -> Response:
        """Return a request with its report."""
        return JSONResponse(self._requests.get(request.path_params["request_id"]).record)

    async def find(self, request: Request) -> Response:
        """Return all requests for a company, newest first, without their reports."""
        company_id = request.path_params["company_id"]
        self._state.entity("company", company_id)
        requests = [
            _without(entry.record, "company_id", "data", "picklist")
            for entry in self._requests.of(company_id)
        ]
        return JSONResponse({"company_id": company_id, "credit_report_requests": requests})

    def _company(self, company_id: str) -> Record:
        try:
            return self._state.entity("company", company_id)
        except ApiError as exc:
            detail = "company_id must be the id of a company."
            raise invalid_request(detail) from exc

    def _earlier(self, request_id: str) -> Record:
        try:
            return self._requests.get(request_id).record
        except ApiError as exc:
            detail = "request_id must be the id of a request for a credit report."
            raise invalid_request(detail) from exc

    def _matches(self, details: Record) -> list[Record]:
        """Return the matching companies."""
        draw = self._state.draw("credit matches", details["company_name"], details["country_code"])
        return [
            match | {"status": "Active", "branch": False, "vat_number": []}
            for match in picklists.make(
                draw, self._scenario(details), details, first=self._state.picklist_base
            )
        ]

    def _respond(self, company_id: str, details: Record, picklist: list[Record]) -> Response:
        """Store a request, and return it without its report."""
        require_service(self._state, self._state.entity("company", company_id))
        scenario = self._scenario(details)
        require_paid(scenario)
        status, message = _outcome(scenario, picklist)
        request: Record = {
            "request_id": self._state.new_id(),
            "status": status,
            "company_id": company_id,
            "datetime_requested": long_timestamp(self._state.now()),
            "message": message,
            "company_number": details["company_number"],
            "company_name": details["company_name"],
            "country_code": details["country_code"],
            "provider_id": details["provider_id"],
            "data": self._report(details, scenario) if status == "Complete" else None,
            "picklist": picklist,
        }
        self._requests.add(request["request_id"], request, entity_id=company_id)
        return JSONResponse(_without(request, "data"), 201)

    def _report(self, details: Record, scenario: Scenario) -> Record:
        identity = [details[name] for name in ("company_number", "country_code", "provider_id")]
        draw, today = self._state.draw("credit report", *identity), self._state.now().date()
        status = registry_companies.status(self._state, details)
        return report(draw, details, today, status=status, weak=not scenario.solvent)

    def _scenario(self, details: Record) -> Scenario:
        return self._state.scenarios.of_company(details["company_number"], details["company_name"])


def _details(body: Record, company: Record) -> Record:
    """Return the details in a request, completed with those of the company.

    With a name but no number in the request, the company's own number does not apply.
    """
    name, number = body.get("company_name"), body.get("company_number")
    jurisdiction = company["jurisdiction_code"] or ""
    return {
        "company_number": number or (None if name else company["company_number"]),
        "company_name": name or company["company_name"],
        "country_code": (body.get("country_code") or jurisdiction[:2]).upper() or None,
        "provider_id": body.get("provider_id"),
    }


def _require_details(body: Record, details: Record) -> None:
    """Refuse a request with too few details; a provider id is enough, and so is a name.

    Raises:
        ApiError: Neither the request nor the company has a number or a country.
    """
    required = ["country_code"] if body.get("company_name") else ["country_code", "company_number"]
    for name in [] if body.get("provider_id") else required:
        if not details[name]:
            detail = f"{name} is missing: neither the request nor the company has it."
            raise unprocessable(detail)


def _outcome(scenario: Scenario, picklist: list[Record]) -> tuple[str, str | None]:
    """Return the status and the message of a request."""
    if picklist:
        return "TooManyResults", "Several companies match: choose one of them."
    if not scenario.matches:
        return "Failed", "The provider knows no such company."
    return "Complete", None


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}
