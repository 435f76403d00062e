"""The operations on documents."""

from base64 import b64decode
from mimetypes import guess_type
from pathlib import PurePath
from typing import get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import invalid_request, not_found_as_invalid
from sikoia_async.sandbox.resources import integrity
from sikoia_async.sandbox.resources.bank_accounts import Bank
from sikoia_async.sandbox.resources.credits import require_enabled
from sikoia_async.sandbox.resources.details import name_of, public
from sikoia_async.sandbox.resources.field_rules import (
    matching,
    non_empty,
    object_of,
    one_of,
    optional,
)
from sikoia_async.sandbox.resources.files import FILES, File, link
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.scenarios.scenario import DocumentType, Scenario
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp

TYPES: tuple[str, ...] = get_args(DocumentType)
_UPLOAD = object_of(
    {
        "entity_id": non_empty,
        "entity_type": one_of("company", "person", "case"),
        "file": non_empty,
        "document_type": optional(one_of(*TYPES)),
        "display_name": non_empty,
        "file_name": matching(r".+\.[^.]+", "a file name with an extension"),
    },
    required=("entity_id", "entity_type", "file", "display_name", "file_name"),
)
_LINK_MINUTES = 10


def routes(state: State) -> list[Route]:
    """Return the routes for documents and their integrity checks."""
    documents = Documents(state)
    one = Resource(get=documents.get, delete=documents.delete)
    return [
        Route("/v2/documents", Resource(post=documents.upload)),
        Route("/v2/documents/{document_id}", one),
        Route("/v2/{entity_type}/{entity_id}/documents", Resource(get=documents.find)),
        *integrity.routes(state),
    ]


class Documents:
    """Handlers for `/v2/documents`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def upload(self, request: Request) -> Response:
        """Store a document."""
        body = await read(request, _UPLOAD)
        content = _decoded(body["file"])
        with not_found_as_invalid("entity_id"):
            owner = self._state.entity(body["entity_type"], body["entity_id"])
        require_enabled(self._state, owner)
        scenario = self._state.scenarios.of_document(body["file_name"], owner)
        now = long_timestamp(self._state.now())
        document: Record = {
            "document_id": self._state.new_id(),
            "entity_type": body["entity_type"],
            "entity_id": body["entity_id"],
            "file_type": PurePath(body["file_name"]).suffix,
            "display_name": body["display_name"],
            "document_type": body.get("document_type"),
            "sikoia_document_type": _classified(body, scenario),
            "file_name": body["file_name"],
            "status": scenario.upload,
            "datetime_created": now,
            "date_created": now,
            "datetime_last_modified": now,
            "date_uploaded": now,
            FILES: (File(body["file_name"], content, _media_type(body["file_name"])),),
            # What is on the file does not change when the entity does.
            "_owner": name_of(owner),
            "_scenario": scenario,
        }
        store = self._state.store("documents")
        entry = store.add(document["document_id"], document, entity_id=body["entity_id"])
        if scenario.upload == "Failed":
            entry.failure = "The upload failed."
        else:
            self._state.progress.start("documents", document["document_id"])
            integrity.start(self._state, document)
        return JSONResponse(self._as_response(entry), 201)

    async def get(self, request: Request) -> Response:
        """Return a document, with a new link to its file."""
        store = self._state.store("documents")
        return JSONResponse(self._as_response(store.get(request.path_params["document_id"])))

    async def delete(self, request: Request) -> Response:
        """Delete a document."""
        document = self._state.store("documents").remove(request.path_params["document_id"])
        integrity.delete(self._state, document.record)
        Bank(self._state).close_statements(document.record)
        return Response(status_code=204)

    async def find(self, request: Request) -> Response:
        """Return the documents of an entity, newest first."""
        entity_id = request.path_params["entity_id"]
        self._state.entity(request.path_params["entity_type"], entity_id)
        entries = self._state.store("documents").of(entity_id)
        return JSONResponse([self._as_response(entry) for entry in entries])

    def _as_response(self, entry: Entry) -> Record:
        fields = public(entry.record)
        uri = link(self._state, "documents", fields["document_id"], minutes=_LINK_MINUTES)
        if not entry.is_done:
            # The type is known, but the classification takes the work time.
            fields["sikoia_document_type"] = None
        return {**fields, "document_uri": uri}


def _media_type(name: str) -> str:
    return guess_type(name)[0] or "application/octet-stream"


def _decoded(file: str) -> bytes:
    try:
        return b64decode(file, validate=True)
    except ValueError:
        detail = "file must be base64."
    raise invalid_request(detail)


def _classified(body: Record, scenario: Scenario) -> str | None:
    """Return the type of a document: by its scenario, from its file name, or else as claimed.

    There is none without a file.
    """
    if scenario.upload == "Failed":
        return None
    if scenario.classified_as:
        return scenario.classified_as
    name = "".join(filter(str.isalnum, body["file_name"])).lower()
    types = sorted(set(TYPES) - {"Other"}, key=len, reverse=True)
    in_name = (kind for kind in types if kind.lower() in name)
    return next(in_name, body.get("document_type") or "Other")
