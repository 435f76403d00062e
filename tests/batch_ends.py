"""Runs a batch in processes that are killed or stopped, and counts what it bought and wrote."""

import json
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import attrs
from batch import killed_child

from sikoia_async import NewCompany
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of

__all__ = ["REPORTS", "STEPS", "Ends", "Faults"]

STEPS: Final = ("before intent", "intended", "sent", "answered", "noted", "written", "flushed")
REPORTS: Final = "POST /v2/company-credit-reports"
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        "cattrs.preconf.msgspec",
        "httpcore",
        "sikoia_async._codec.decoder",
        "sikoia_async.batch.batch",
        "sikoia_async.resources.credit_reports",
        "trio",
    ]
)
_PATIENCE: Final = 900


@attrs.frozen
class Faults:
    """What a batch should never do, counted."""

    bought_twice: int = 0
    lost: int = 0
    written_twice: int = 0
    different: int = 0
    """Reports that differ from those of an undisturbed run, apart from ids and times."""


@attrs.define
class Ends:
    """A batch of companies at a local Sikoia, in a folder; its processes end early."""

    sandbox: Sandbox
    folder: Path
    companies: int
    backend: str = attrs.field(default="asyncio", kw_only=True)
    at_once: int = attrs.field(default=8, kw_only=True)
    timeout: float = attrs.field(default=2.0, kw_only=True)
    _ids: Sequence[str] = attrs.field(init=False, factory=tuple)

    def __attrs_post_init__(self) -> None:
        """Create the companies."""
        self._ids = anyio.run(self._create)
        self._write_ids(self.folder)

    def run(self, step: str = "never", count: int = 1, *signals: str, gap: float = 0.0) -> int:
        """Run the batch in a process that sends itself signals, and return the exit code.

        Args:
            step: one of `STEPS`.
            count: at which occurrence of it.
            signals: their names, `"SIGKILL"` or `"SIGINT"`.
            gap: the seconds between two of them.
        """
        return self._run(self.folder, step, count, signals, gap)

    def faults(self) -> Faults:
        """Compare what was bought and written with an undisturbed run, which is made now."""
        charged = Counter(
            one for request in self.sandbox.ledger if request.cost for one in request.charged_for
        )
        undisturbed = self.folder / "undisturbed"
        undisturbed.mkdir()
        self._write_ids(undisturbed)
        assert self._run(undisturbed, "never", 1, (), 0.0) == 0
        written = _written(self.folder)
        times = Counter(key for key, _ in written)
        pairs = zip(dict(written).items(), dict(_written(undisturbed)).items(), strict=True)
        return Faults(
            bought_twice=sum(charged[one] > 1 for one in self._ids),
            lost=sum(one not in times or one not in charged for one in self._ids),
            written_twice=sum(number > 1 for number in times.values()),
            different=sum(ours != their for ours, their in pairs),
        )

    def _write_ids(self, folder: Path) -> None:
        (folder / "ids").write_text("\n".join(self._ids), "utf-8")

    def _run(self, folder: Path, step: str, count: int, signals: Sequence[str], gap: float) -> int:
        job: dict[str, Any] = {
            "variables": dict(self.sandbox.variables),
            "backend": self.backend,
            "folder": str(folder),
            "step": step,
            "count": count,
            "signals": signals,
            "gap": gap,
            "at_once": self.at_once,
            "timeout": self.timeout,
        }
        process = _PROCESSES.Process(target=killed_child.run, args=(job,))
        process.start()
        process.join(_PATIENCE)
        assert process.exitcode is not None
        return process.exitcode

    async def _create(self) -> list[str]:
        new = [
            NewCompany(
                company_name=f"Acme {n} Ltd", company_number=f"{n:08}", jurisdiction_code="GB"
            )
            for n in range(self.companies)
        ]
        async with client_of(self.sandbox) as sikoia:
            case = await sikoia.cases.create(name="Loans", case_type="Business", companies=new)
        return [company.company_id for company in case.companies or ()]


def _written(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the sorted reports in an output, without the ids and times of the requests."""
    lines = [json.loads(line) for line in (folder / "out").read_text("utf-8").splitlines()]
    reports = [(key, json.loads(report)) for key, report in lines]
    for _, report in reports:
        del report["datetime_requested"], report["request_id"]
    return sorted(reports, key=lambda one: str(one[0]))
