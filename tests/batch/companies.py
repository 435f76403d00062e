"""Companies at a local Sikoia, and a child process that buys a credit report of each."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from sikoia_async import NewCompany, Quota, Sikoia
from sikoia_async.environments import local
from sikoia_async.resources.credit_reports import CreditReport
from sikoia_async.sandbox import Sandbox

__all__ = ["client_of", "create_companies", "request_report", "spawn"]


def client_of(sandbox: Sandbox, **options: Any) -> Sikoia:
    """Return a client of a local Sikoia that is not held back by the rate limit."""
    settings: dict[str, Any] = {"quota": Quota(1000, 1.0), "tls": sandbox.ca_file, **options}
    environment = local(sandbox.url)
    return Sikoia(sandbox.client_id, sandbox.client_secret, environment=environment, **settings)


async def create_companies(sikoia: Sikoia, count: int) -> list[str]:
    """Create companies, and return their ids."""
    new = [
        NewCompany(
            company_name=f"Acme {number} Ltd",
            company_number=f"{number:08}",
            jurisdiction_code="GB",
        )
        for number in range(count)
    ]
    case = await sikoia.cases.create(name="Loans", case_type="Business", companies=new)
    return [company.company_id for company in case.companies or ()]


async def request_report(run: Any, company_id: str) -> CreditReport:
    """Buy the credit report of a company, once, and return it."""
    operation = await run.once("report", run.sikoia.credit_reports.request, company_id)
    report: CreditReport = await operation
    return report


@contextmanager
def spawn(sandbox: Sandbox, script: Path, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """Start a script in another process, with the variables of a local Sikoia."""
    environment = {**os.environ, **sandbox.variables}
    with subprocess.Popen([sys.executable, str(script), *arguments], env=environment) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


def companies_of(count: int, sandbox: Sandbox) -> Sequence[str]:
    """Create companies from a test that is not async, and return their ids."""

    async def create() -> list[str]:
        async with client_of(sandbox) as sikoia:
            return await create_companies(sikoia, count)

    return anyio.run(create)
