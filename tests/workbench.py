"""A local Sikoia on a clock that tests advance, and the steps that tests of resources share."""

from typing import Any, TypeVar

import attrs
from sandbox.documents import add_document

from sikoia_async import NewPerson, Operation, Sikoia
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox

__all__ = ["UNKNOWN_ID", "WORK_TIME", "Workbench", "create_person"]

T = TypeVar("T")

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
"""An id that no object has."""
WORK_TIME = 60.0
"""How long all work takes in the local Sikoia, in seconds of its clock."""


async def create_person(client: Sikoia, *, name: str = "Wilma Example", **fields: Any) -> Person:
    """Create a person in a new case.

    Args:
        client: a client of a local Sikoia.
        name: first and last name.
        fields: further fields of `NewPerson`.
    """
    first_name, last_name = name.split()
    new = NewPerson(first_name=first_name, last_name=last_name, **fields)
    case = await client.cases.create(name="Loan", case_type="Consumer", persons=[new])
    assert case.persons
    return case.persons[0]


@attrs.frozen
class Workbench:
    """A local Sikoia whose clock stands still until a test advances it."""

    sandbox: Sandbox

    async def person(self, client: Sikoia, *document_types: str, **fields: Any) -> Person:
        """Create a person, with documents of these types that Sikoia has already read.

        Args:
            client: a client of the sandbox.
            document_types: one document is created for each.
            fields: further arguments of `create_person`.
        """
        person = await create_person(client, **fields)
        for document_type in document_types:
            self._add_document(document_type, person.person_id)
        return person

    def pass_time(self, seconds: float = WORK_TIME) -> None:
        """Advance the clock, by default until all work under way is done."""
        self.sandbox.clock.advance(seconds)

    async def finish(self, operation: Operation[T]) -> Operation[T]:
        """Let the work of an operation finish, poll it once, and return it."""
        self.pass_time()
        await operation.refresh()
        return operation

    def _add_document(self, document_type: str, person_id: str) -> None:
        fields = {"display_name": f"{document_type}.pdf", "document_type": document_type}
        document_id = add_document(self.sandbox, "person", person_id, **fields)
        if any(job.id == document_id for job in self.sandbox.work.pending):
            self.sandbox.work.finish(document_id)
