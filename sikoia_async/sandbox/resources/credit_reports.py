"""The operations on credit reports. The work is done before the answer: nothing is pending."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import ApiError, invalid_request, require_credits, unprocessable
from sikoia_async.sandbox.resources import picklists, registry_companies
from sikoia_async.sandbox.resources.credit_data import report
from sikoia_async.sandbox.resources.field_rules import (
    count,
    country,
    filled,
    optional,
    record,
    text,
)
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

_REQUEST = record(
    {
        "company_id": filled,
        "company_number": optional(text),
        "company_name": optional(text),
        "country_code": optional(country),
        "provider_id": optional(text),
    },
    required=("company_id",),
)
_RESOLVE = record(
    {"request_id": filled, "picklist_index": count}, required=("request_id", "picklist_index")
)
_KIND = "credit_reports"


def routes(state: State) -> list[Route]:
    """Serve credit reports."""
    reports = CreditReports(state)
    return [
        Route("/v2/company-credit-reports", Resource(post=reports.request)),
        Route("/v2/company-credit-reports/picklist", Resource(post=reports.resolve)),
        Route("/v2/company-credit-reports/{request_id}", Resource(get=reports.get)),
        Route("/v2/companies/{company_id}/credit-reports", Resource(get=reports.find)),
    ]


class CreditReports:
    """Answers for credit reports."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._requests = state.store(_KIND)

    async def request(self, request: Request) -> Response:
        """Make a report, or a list of the companies that could be meant."""
        body = await read(request, _REQUEST)
        asked = _details(body, self._company(body["company_id"]))
        _require_details(body, asked)
        matches = self._matches(asked)
        if len(matches) > 1 and not asked["provider_id"]:
            return self._answer(body["company_id"], asked, matches)
        for match in matches:
            asked["company_number"] = asked["company_number"] or match["company_number"]
        return self._answer(body["company_id"], asked, [])

    async def resolve(self, request: Request) -> Response:
        """Make the report on one of the companies that could be meant, as a request of its own."""
        body = await read(request, _RESOLVE)
        earlier = self._earlier(body["request_id"])
        match = picklists.pick(earlier["picklist"], body["picklist_index"])
        return self._answer(earlier["company_id"], match, [])

    async def get(self, request: Request) -> Response:
        """Answer a request with its report."""
        return JSONResponse(self._requests.get(request.path_params["request_id"]).record)

    async def find(self, request: Request) -> Response:
        """Answer all requests for a company, the newest first and without their reports."""
        company_id = request.path_params["company_id"]
        self._state.entity("company", company_id)
        found = [
            _without(entry.record, "company_id", "data", "picklist")
            for entry in self._requests.of(company_id)
        ]
        return JSONResponse({"company_id": company_id, "credit_report_requests": found})

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

    def _matches(self, asked: Record) -> list[Record]:
        """Find the companies that could be meant."""
        draw = self._state.draw("credit matches", asked["company_name"], asked["country_code"])
        return [
            match | {"status": "Active", "branch": False, "vat_number": []}
            for match in picklists.make(
                draw, self._scenario(asked), asked, first=self._state.picklist_base
            )
        ]

    def _answer(self, company_id: str, asked: Record, picklist: list[Record]) -> Response:
        """Keep a request, and answer it without its report."""
        scenario = self._scenario(asked)
        require_credits(scenario)
        status, message = _outcome(scenario, picklist)
        made: Record = {
            "request_id": self._state.new_id(),
            "status": status,
            "company_id": company_id,
            "datetime_requested": long_timestamp(self._state.now()),
            "message": message,
            "company_number": asked["company_number"],
            "company_name": asked["company_name"],
            "country_code": asked["country_code"],
            "provider_id": asked["provider_id"],
            "data": self._report(asked, scenario) if status == "Complete" else None,
            "picklist": picklist,
        }
        self._requests.add(made["request_id"], made, entity_id=company_id)
        return JSONResponse(_without(made, "data"), 201)

    def _report(self, asked: Record, scenario: Scenario) -> Record:
        named = [asked[name] for name in ("company_number", "country_code", "provider_id")]
        draw, today = self._state.draw("credit report", *named), self._state.now().date()
        status = registry_companies.status(self._state, asked)
        return report(draw, asked, today, status=status, weak=not scenario.solvent)

    def _scenario(self, asked: Record) -> Scenario:
        return self._state.scenarios.of_company(asked["company_number"], asked["company_name"])


def _details(body: Record, company: Record) -> Record:
    """Take what the request says of the company, and else what its entity does.

    A name without a number asks for whatever has that name, and not for the entity's number.
    """
    name, number = body.get("company_name"), body.get("company_number")
    jurisdiction = company["jurisdiction_code"] or ""
    return {
        "company_number": number or (None if name else company["company_number"]),
        "company_name": name or company["company_name"],
        "country_code": body.get("country_code") or jurisdiction[:2] or None,
        "provider_id": body.get("provider_id"),
    }


def _require_details(body: Record, asked: Record) -> None:
    """Refuse a request that says too little; the provider's own id says enough, and so does a name.

    Raises:
        ApiError: The company's number or its country is given nowhere.
    """
    needed = ["country_code"] if body.get("company_name") else ["country_code", "company_number"]
    for name in [] if body.get("provider_id") else needed:
        if not asked[name]:
            detail = f"{name} is missing: neither the request nor the company has it."
            raise unprocessable(detail)


def _outcome(scenario: Scenario, picklist: list[Record]) -> tuple[str, str | None]:
    """Tell the status and the message."""
    if picklist:
        return "TooManyResults", "Several companies match: choose one of them."
    if not scenario.matches:
        return "Failed", "The provider knows no such company."
    return "Complete", None


def _without(made: Record, *names: str) -> Record:
    return {name: value for name, value in made.items() if name not in names}
