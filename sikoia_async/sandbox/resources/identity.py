"""The operations on identity verification.

The decision is made when the work ends. It is about the person as they were at the request.
"""

from copy import deepcopy

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import not_found_as_invalid
from sikoia_async.sandbox.resources.credits import require_service
from sikoia_async.sandbox.resources.details import public
from sikoia_async.sandbox.resources.field_rules import (
    country,
    non_empty,
    object_of,
    one_of,
    optional,
)
from sikoia_async.sandbox.resources.files import FILES
from sikoia_async.sandbox.resources.hosted_pages import verification_urls
from sikoia_async.sandbox.resources.identity_data import MEDIA, Outcome, findings, outcome
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

VERIFY = object_of(
    {
        "person_id": non_empty,
        "country_code": optional(country),
    },
    required=("person_id",),
)
_true_or_false = one_of("true", "false")


def routes(state: State) -> list[Route]:
    """Return the routes for identity verification."""
    identity = Identity(state)
    listed = Resource(get=identity.find)
    return [
        Route("/v2/identity", Resource(post=identity.start)),
        Route("/v2/identity/{request_id}", Resource(get=identity.get)),
        Route("/v2/persons/{person_id}/identity-verifications", listed),
    ]


class Identity:
    """Handlers for `/v2/identity` and the list of a person's verifications."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._store = state.store("identity")

    async def start(self, request: Request) -> Response:
        """Start a verification."""
        body = await read(request, VERIFY)
        person_id = body["person_id"]
        country_code = (body.get("country_code") or "").upper() or None
        with not_found_as_invalid("person_id"):
            person = self._state.entity("person", person_id)
        require_service(self._state, person)
        scenario = self._state.scenarios.of_entity(person)
        request_id = self._state.new_id()
        verification_url, direct_url = verification_urls(self._state, request_id)
        started: Record = {
            "request_id": request_id,
            "person_id": person_id,
            "datetime_requested": self._state.now(),
            "country_code": country_code,
            "verification_url": verification_url,
            "direct_url": direct_url if country_code else None,
        }
        hidden = {"_person": deepcopy(person), "_decision": scenario.identity, FILES: MEDIA}
        record = {**started, **hidden}
        self._store.add(request_id, record, entity_id=person_id)
        self._state.progress.start("identity", request_id)
        fields = {
            **started,
            "status": "Pending",
            "datetime_requested": short_timestamp(started["datetime_requested"]),
            "datetime_completed": None,
            "message": None,
        }
        return JSONResponse(fields, 201)

    async def get(self, request: Request) -> Response:
        """Return a verification with its findings."""
        entry = self._store.get(request.path_params["request_id"])
        status, decision, message = outcome_of(entry)
        return JSONResponse(
            {
                **public(entry.record),
                "status": status,
                "datetime_requested": short_timestamp(entry.record["datetime_requested"]),
                "datetime_completed": entry.ended and short_timestamp(entry.ended),
                "message": message,
                "data": findings(self._state, entry.record, decision, entry.ended),
            }
        )

    async def find(self, request: Request) -> Response:
        """Return the verifications of a person that match the filters, newest first."""
        person_id = request.path_params["person_id"]
        self._state.entity("person", person_id)
        rows = [self._row(entry) for entry in self._store.of(person_id)]
        selected = _select(rows, request.query_params)
        return JSONResponse({"person_id": person_id, "identity_verification_requests": selected})

    def _row(self, entry: Entry) -> Record:
        status, decision, message = outcome_of(entry)
        fields = public(entry.record)
        del fields["person_id"]
        return {
            **fields,
            "status": status,
            "verification_status": decision,
            "datetime_requested": long_timestamp(entry.record["datetime_requested"]),
            "datetime_completed": entry.ended and long_timestamp(entry.ended),
            "message": message,
        }


def outcome_of(entry: Entry) -> Outcome:
    """Return the outcome of a verification so far."""
    if entry.failure:
        return Outcome("Failed", None, entry.failure)
    return outcome(entry.record["_decision"], is_done=entry.is_done)


def _select(rows: list[Record], query: QueryParams) -> list[Record]:
    complete = query.get("complete", "false").lower()
    _true_or_false("complete", complete)
    decisions = query.get("verification_status")
    return [
        row
        for row in rows
        if (complete == "false" or row["status"] == "Complete")
        and (decisions is None or row["verification_status"] in decisions.split(","))
    ]
