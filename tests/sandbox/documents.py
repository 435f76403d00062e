"""Documents that tests add to a sandbox without an upload."""

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources.details import name_of

__all__ = ["add_document"]


def add_document(sandbox: Sandbox, entity_type: str, entity_id: str, **fields: str) -> str:
    """Add a document that is read when the work time is over, and return its id."""
    state, document_id = sandbox.state, sandbox.state.new_id()
    owner = state.entity(entity_type, entity_id)
    document = {
        "document_id": document_id,
        "display_name": "A document",
        "entity_id": entity_id,
        "entity_type": entity_type,
        "document_type": None,
        "sikoia_document_type": None,
        "datetime_created": "2024-02-12T15:03:40.389Z",
        "_owner": name_of(owner),
        "_scenario": sandbox.scenarios.of_document("document.pdf", owner),
        **fields,
    }
    state.store("documents").add(document_id, document, entity_id=entity_id)
    state.progress.start("documents", document_id)
    return document_id
