"""The demo: what the SDK does, step by step, against a local Sikoia on a real TLS socket."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import anyio

from sikoia_async import (
    InvalidRequestError,
    NewCompany,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
    SikoiaError,
)
from sikoia_async.environments import local
from sikoia_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sikoia_async.errors import APIError
    from sikoia_async.models import ResponseInfo
    from sikoia_async.resources.cases import Case

__all__ = ["run"]

_NOWHERE: Final = "00000000-0000-4000-8000-000000000000"


def run() -> int:
    """Show everything and return the exit code: 0 if each step did what it should."""
    began = time.perf_counter()
    with Sandbox() as sandbox:
        print(f"A local Sikoia serves at {sandbox.url}; nothing leaves this machine.\n")
        try:
            steps = anyio.run(_walk, sandbox)
        except SikoiaError as error:
            print(f"\nThe demo failed: {type(error).__name__}: {error}", file=sys.stderr)
            return 1
    seconds = time.perf_counter() - began
    print(f"\nAll {steps} steps did what they should, in {seconds:.1f} s. Nothing was bought.")
    print("Next: `sikoia sandbox` keeps such a Sikoia running for your own code.")
    return 0


async def _walk(sandbox: Sandbox) -> int:
    show = _Steps()
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    ) as sikoia:
        case = await _cases(sikoia, show)
        await _task(sikoia, show)
        await _errors(sikoia, show, case)
    return show.count


async def _cases(sikoia: Sikoia, show: _Steps) -> Case:
    acme = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
    case = await sikoia.cases.create(name="Acme Ltd loan", case_type="Business", companies=[acme])
    show.answer("Create a case with a company", case.response, f"case {case.case_id}")

    case = await sikoia.cases.retrieve(case.case_id)
    names = ", ".join(company.company_name or "?" for company in case.companies or ())
    show.answer("Read it", case.response, f"stage {case.stage}, with {names}")

    cases = await sikoia.cases.list(case_type="Business", stage=["New", "Approved"])
    show.answer("List what is new or approved", cases.response, f"{len(cases)} in the list")

    case = await sikoia.cases.update(case.case_id, stage="Approved", description="Fleet of vans")
    show.answer("Approve it", case.response, f"stage {case.stage}")
    return case


async def _task(sikoia: Sikoia, show: _Steps) -> None:
    operation = await sikoia.start(
        "POST", "/v2/sandbox-tasks", into=dict[str, Any], body={"polls": 2}
    )
    result = await operation.wait(timeout=30)
    ids = operation.correlation_ids
    what = f"202 until it was done: {len(ids)} answers, then {result['status']}"
    show.line("Start an async task and wait for it", what, ids[-1])


async def _errors(sikoia: Sikoia, show: _Steps, case: Case) -> None:
    await show.refused(
        "Create a case without a name",
        InvalidRequestError,
        sikoia.cases.create(name="", case_type="Business"),
    )
    await show.refused(
        "Read a case that is not there", ResourceNotFoundError, sikoia.cases.retrieve(_NOWHERE)
    )
    await sikoia.cases.delete(case.case_id)
    await show.refused(
        "Delete the case, and read it again",
        ResourceDeletedError,
        sikoia.cases.retrieve(case.case_id),
    )


class _Steps:
    """Prints the steps, one under the other."""

    def __init__(self) -> None:
        self.count = 0

    def answer(self, title: str, response: ResponseInfo, what: str) -> None:
        """Print a step that was answered well."""
        milliseconds = response.seconds * 1000
        self.line(
            title, f"{response.status} in {milliseconds:.0f} ms: {what}", response.correlation_id
        )

    async def refused(self, title: str, kind: type[APIError], call: Awaitable[object]) -> None:
        """Print a step that is meant to be refused.

        Raises:
            SikoiaError: it was not.
        """
        try:
            await call
        except kind as error:
            self.line(title, f"{type(error).__name__}: {error.detail}", error.correlation_id)
        else:
            msg = f"step {self.count + 1} should have ended with {kind.__name__}"
            raise SikoiaError(msg)

    def line(self, title: str, what: str, correlation_id: str) -> None:
        """Print a step, and the id that support would ask for."""
        self.count += 1
        print(f"  {self.count}  {title}\n     {what}\n     correlation id {correlation_id}")
