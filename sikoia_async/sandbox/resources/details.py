"""Details of records that several resources need: derived ids, types and names."""

from uuid import UUID

from sikoia_async.sandbox.state import Record, State


def stable_id(state: State, *about: str) -> str:
    """Return an id that is always the same for the same arguments."""
    return str(UUID(int=state.draw(*about).getrandbits(128), version=4))


def data_source_id(state: State, source_id: str, part: int = 0) -> str:
    """Return the `data_source_id` of an account, or of a document in a file."""
    return stable_id(state, "data source", source_id, *([str(part)] if part else []))


def data_source_ids(state: State, document: Record) -> list[str]:
    """Return the `data_source_id` of each document in a file."""
    count: int = document["_scenario"].documents_in_file
    return [data_source_id(state, document["document_id"], part) for part in range(count)]


def public(record: Record) -> Record:
    """Return the fields of a record that responses show: those without an underscore in front."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def type_of_document(document: Record) -> str:
    """Return the type of a document: as classified, or else as claimed."""
    kind: str | None = document.get("sikoia_document_type") or document.get("document_type")
    return kind or "None"


def name_of(entity: Record) -> str | None:
    """Return the name of a company or a person, or of a case's customer."""
    name: str | None = entity.get("company_name") or entity.get("reference_customer_name")
    return entity["name"] if "person_id" in entity else name
