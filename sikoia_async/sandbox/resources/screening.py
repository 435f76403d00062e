"""Searches for PEPs and sanctions, and for adverse media.

They find nothing unless the scenario of the person or company has matches.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.resources.credits import require_paid, require_service
from sikoia_async.sandbox.resources.details import public
from sikoia_async.sandbox.resources.field_rules import (
    boolean,
    fraction,
    matching,
    non_empty,
    object_of,
    one_of,
    optional,
    string,
)
from sikoia_async.sandbox.resources.files import FILES, File, link
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

# The path of each search, and the status of its response.
_STATUSES = {"peps-sanctions": 201, "adverse-media": 200}
# The field of a scenario with the number of matches.
_TOTALS = {"peps-sanctions": "peps_sanctions", "adverse-media": "adverse_media"}
# The field of companies and people that says whether there was a search.
_FLAGS = {"peps-sanctions": "pep_sanction_requested", "adverse-media": "media_adverse_requested"}
_NAMES = {"company": "company_name", "person": "name"}
_LINK_MINUTES = 10
_CERTIFICATE = b"%PDF-1.4\n% A certificate of the local Sikoia: it certifies nothing.\n%%EOF\n"
_MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})"

SEARCH = object_of(
    {
        "search_term": optional(string),
        "entity_type": one_of("company", "person", "case"),
        "entity_id": non_empty,
        "birth_date": optional(matching(_MOMENT, "a date and time with an offset from UTC")),
        "monitored": boolean,
        "fuzziness": optional(fraction),
    },
    required=("entity_type", "entity_id"),
)


def routes(state: State) -> list[Route]:
    """Return the routes for both kinds of searches."""
    routes: list[Route] = []
    for kind, status in _STATUSES.items():
        searches = Searches(state, kind, status)
        listed = f"/v2/{{entity_type}}/{{entity_id}}/{kind}"
        routes.append(Route(f"/v2/{kind}", Resource(post=searches.search)))
        routes.append(Route(listed, Resource(get=searches.find)))
    return routes


class Searches:
    """Handlers for searches of one kind."""

    def __init__(self, state: State, kind: str, status: int) -> None:
        self._state = state
        self._kind = kind
        self._store = state.store(kind)
        self._status = status
        self._total = _TOTALS[kind]
        self._flag = _FLAGS[kind]

    async def search(self, request: Request) -> Response:
        """Run a search, which completes at once."""
        body = await read(request, SEARCH)
        entity = self._state.entity(body["entity_type"], body["entity_id"])
        require_service(self._state, entity)
        search = self._new(body, entity)
        self._store.add(search["request_id"], search, entity_id=body["entity_id"])
        if self._flag in entity:
            entity[self._flag] = True
        response = self._as_response(search, short_timestamp(search["datetime_requested"]))
        return JSONResponse(response, self._status)

    async def find(self, request: Request) -> Response:
        """Return all searches for an entity, newest first."""
        entity_id = request.path_params["entity_id"]
        self._state.entity(request.path_params["entity_type"], entity_id)
        searches = [entry.record for entry in self._store.of(entity_id)]
        return JSONResponse(
            [
                self._as_response(search, long_timestamp(search["datetime_requested"]))
                for search in searches
            ]
        )

    def _new(self, body: Record, entity: Record) -> Record:
        # A case has no name to search for.
        term = body.get("search_term") or entity.get(_NAMES.get(body["entity_type"], ""))
        if not term:
            detail = "search_term is required where the entity_type is case."
            raise invalid_request(detail)
        draw, moment = self._state.draw("search", term), self._state.now()
        scenarios = self._state.scenarios
        sent = body.get("search_term")
        scenario = scenarios.of_name(sent) if sent else scenarios.of_entity(entity)
        require_paid(scenario)
        is_complete = scenario.screening == "Complete"
        request_id = self._state.new_id()
        return {
            "request_id": request_id,
            "search_ref": f"{int(moment.timestamp())}-{draw.getrandbits(40):010x}",
            "status": scenario.screening,
            "entity_type": body["entity_type"],
            "entity_id": body["entity_id"],
            "search_term": term,
            "birthdate": (body.get("birth_date") or entity.get("date_of_birth") or "")[:10] or None,
            "monitored": body.get("monitored") is not False,
            "datetime_requested": moment,
            "total_matches": getattr(scenario, self._total) if is_complete else 0,
            FILES: (File(f"{request_id}.pdf", _CERTIFICATE),),
        }

    def _as_response(self, search: Record, requested: str) -> Record:
        """Return a search, with a new link to its certificate if it is complete."""
        uri = None
        if search["status"] != "Failed":
            uri = link(self._state, self._kind, search["request_id"], minutes=_LINK_MINUTES)
        fields = public(search)
        return {**fields, "datetime_requested": requested, "search_certificate_uri": uri}
