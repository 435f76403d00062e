"""The operations on cases and their entities."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.resources import entities
from sikoia_async.sandbox.resources.case_bodies import (
    ADD_ENTITIES,
    CREATE_CASE,
    DELETE_ENTITIES,
    UPDATE_CASE,
    UPDATE_ENTITIES,
)
from sikoia_async.sandbox.resources.filters import select
from sikoia_async.sandbox.resources.records import in_full, new_case, owners, summary
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State


def routes(state: State) -> list[Route]:
    """Return the routes for cases, and the companies and persons in them."""
    cases = Cases(state)
    one = Resource(get=cases.get, patch=cases.update, delete=cases.delete)
    entities = Resource(post=cases.add_entities, patch=cases.update_entities)
    return [
        Route("/v2/cases", Resource(get=cases.find, post=cases.create)),
        Route("/v2/cases/{case_id}", one),
        Route("/v2/cases/{case_id}/entities", entities),
        Route("/v2/cases/{case_id}/entities/delete", Resource(post=cases.delete_entities)),
    ]


class Cases:
    """Handlers for `/v2/cases` and everything below it."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, request: Request) -> Response:
        """Return the cases that match the filters, newest first."""
        cases = select(reversed(self._state.cases.values()), request.query_params)
        return JSONResponse([summary(case) for case in cases])

    async def create(self, request: Request) -> Response:
        """Create a case, with the entities in the body."""
        body = await read(request, CREATE_CASE)
        entities.require_directors_in_register(body)
        case = new_case(self._state, body)
        entities.add(self._state, case, body)
        self._state.cases[case["case_id"]] = case
        return JSONResponse(in_full(case), 201)

    async def get(self, request: Request) -> Response:
        """Return one case with its entities."""
        return JSONResponse(in_full(self._case(request)))

    async def update(self, request: Request) -> Response:
        """Change fields of a case; an empty string clears one."""
        case = self._case(request)
        body = await read(request, UPDATE_CASE)
        changes = {name: value for name, value in body.items() if value is not None}
        if not changes:
            detail = "The body must name a field to change."
            raise invalid_request(detail)
        case.update({name: value or None for name, value in changes.items()})
        case["ownership"] = owners(case["ownership"] or [])
        return self._changed(case)

    async def delete(self, request: Request) -> Response:
        """Delete a case and everything in it."""
        self._state.delete_case(request.path_params["case_id"])
        return Response(status_code=204)

    async def add_entities(self, request: Request) -> Response:
        """Add companies and persons."""
        case = self._case(request)
        body = await read(request, ADD_ENTITIES)
        entities.require_some(body)
        entities.require_directors_in_register(body)
        entities.add(self._state, case, body)
        return self._changed(case, 201)

    async def update_entities(self, request: Request) -> Response:
        """Change companies and persons. The API responds with 201, although nothing is created."""
        case = self._case(request)
        body = await read(request, UPDATE_ENTITIES)
        entities.require_some(body)
        entities.update(case, body)
        return self._changed(case, 201)

    async def delete_entities(self, request: Request) -> Response:
        """Remove companies and persons."""
        case = self._case(request)
        body = await read(request, DELETE_ENTITIES)
        entities.require_some(body)
        self._state.delete_entities(set(entities.remove(case, body)))
        return self._changed(case)

    def _case(self, request: Request) -> Record:
        return self._state.case(request.path_params["case_id"])

    def _changed(self, case: Record, status: int = 200) -> Response:
        case["datetime_last_modified"] = self._state.now()
        return JSONResponse(in_full(case), status)
