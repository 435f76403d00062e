"""Asks the local Sikoia all that Schemathesis thinks of, and holds it to the specification.

Whatever it finds fails that the table of deviations does not explain; and so does a row of the
table that explains nothing any more.

    python .ci/conformance [examples for each operation]
"""

import logging
import ssl
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import schemathesis
import yaml
from deviations import DEVIATIONS, MENDS, Found, Json, Mend
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import Status, events, from_schema
from schemathesis.generation import GenerationMode
from seeds import Seeds, credentials

from sikoia_async.sandbox import Sandbox

_FILE: Final = Path(__file__).resolve().parents[3] / "shared" / "api" / "sikoia-openapi.yml"
_EXAMPLES: Final = 6
_SHOWN: Final = 20
_SUCCESS: Final = range(200, 300)
_NEVER: Final = 10**9
_WORK: Final = 5.0


@attrs.define
class Clock:
    """Counts readings, not seconds: what is pending, and when, is the same in each run."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return a moment that is later each time."""
        self.now += 0.1
        return self.now

    def work(self) -> None:
        """Let all work come to its end."""
        self.now += _WORK


@attrs.define
class Run:
    """What has been asked, and what came of it."""

    phases: Counter[str] = attrs.field(factory=Counter)
    statuses: Counter[int] = attrs.field(factory=Counter)
    operations: set[str] = attrs.field(factory=set)
    found: list[Found] = attrs.field(factory=list)
    broken: list[str] = attrs.field(factory=list)
    answered: dict[tuple[str, str], list[Any]] = attrs.field(factory=dict)
    """The answers that are no refusals, by method and path."""

    def note(self, event: Any) -> None:
        """Take down what the engine tells."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.broken.append(repr(event))
        if isinstance(event, events.ScenarioFinished):
            for case_id, asked in event.recorder.interactions.items():
                self._note_answer(event, event.recorder.cases[case_id].value, asked.response)
            for case_id, checks in event.recorder.checks.items():
                self._note_checks(event.recorder, case_id, checks)

    def _note_answer(self, event: Any, case: Any, response: Any) -> None:
        self.phases[event.phase.value] += 1
        self.statuses[response.status_code] += 1
        if response.status_code in _SUCCESS:
            self.operations.add(case.operation.label)
            where = case.operation.method, case.operation.path
            self.answered.setdefault(where, []).append(response)

    def _note_checks(self, recorder: Any, case_id: str, checks: Iterable[Any]) -> None:
        for check in checks:
            if check.status != Status.FAILURE:
                continue
            case, response = recorder.cases[case_id].value, recorder.interactions[case_id].response
            said = f"{check.failure_info.failure.message}\n{response.text}"
            asked = f"{case.method} {case.formatted_path} {case.query} {case.body!r}"
            self.found.append(Found(case.operation.label, check.name, said, asked))


def main() -> None:
    """Fail if the local Sikoia breaks the specification."""
    if not _FILE.exists():
        print(f"NOT CHECKED: there is no {_FILE.name} beside the repository")
        return
    warnings.simplefilter("ignore")
    # Requests that are no HTTP are none of its worries.
    logging.getLogger("uvicorn.error").disabled = True
    specification: Json = yaml.safe_load(_FILE.read_text("utf-8"))
    began, run = time.monotonic(), Run()
    examples = int(sys.argv[1]) if sys.argv[1:] else _EXAMPLES
    schema = _loaded(specification, MENDS)
    _ask(schema, examples, run.note)
    wrong = [*run.broken, *_unexplained(run), *_needless(run, specification)]
    wrong += [f"{name}: nothing but refusals" for name in _refused(run, schema)]
    print(f"{sum(run.statuses.values())} requests in {time.monotonic() - began:.0f} s:")
    print("  by phase", *(f"{name} {count}" for name, count in run.phases.items()))
    print("  by status", *(f"{status}: {count}" for status, count in sorted(run.statuses.items())))
    print(f"  {len(run.operations)} operations have succeeded")
    print(f"  {len(run.found)} findings of {len(DEVIATIONS)} known deviations, {len(MENDS)} mends")
    if wrong:
        sys.exit("\n".join([f"{len(wrong)} mistakes", *wrong[:_SHOWN]]))


def _loaded(specification: Json, mends: Iterable[Mend]) -> Any:
    mended = deepcopy(specification)
    for mend in mends:
        mend.apply(mended)
    return schemathesis.openapi.from_dict(mended, config=SchemathesisConfig(seed=1))


def _ask(schema: Any, examples: int, note: Callable[[Any], None]) -> None:
    """Let Schemathesis ask a local Sikoia in which there is something to find."""
    clock = Clock()
    with Sandbox(clock=clock, work_time=_WORK, token_life=_NEVER, limit=_NEVER) as sandbox:
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        with httpx.Client(base_url=sandbox.url, verify=trust) as client:
            headers = _headers(sandbox, client)
            client.headers.update(headers | {"Content-Type": "application/json"})
            schema.config.update(
                base_url=sandbox.url,
                tls_verify=sandbox.ca_file,
                headers=headers,
                continue_on_failure=True,
                workers=1,
            )
            schema.config.generation.max_examples = examples
            schema.config.generation.deterministic = True
            schema.config.generation.no_shrink = True
            schema.config.generation.database = "none"
            schemathesis.hook(_filling(Seeds(sandbox, client, clock.work), Counter()))
            for event in from_schema(schema).execute():
                note(event)


def _headers(sandbox: Sandbox, client: httpx.Client) -> dict[str, str]:
    token = (
        client.post("/token", data=credentials(sandbox)).raise_for_status().json()["access_token"]
    )
    return {"Accept": "application/json", "Authorization": f"Bearer {token}"}


def _filling(seeds: Seeds, calls: Counter[str]) -> Callable[..., None]:
    def before_call(_context: Any, case: Any, _options: Any) -> None:
        """Let three of four requests name what is there; broken ones stay as they are broken."""
        if not isinstance(case.body, dict):
            case.headers["Content-Type"] = "application/json"
        calls[case.operation.label] += 1
        if calls[case.operation.label] % 4 == 0:
            return
        if case.path_parameters and _is_sane(case, ParameterLocation.PATH):
            case.path_parameters = dict(case.path_parameters)
            seeds.fill_path(case.path, case.path_parameters)
        if isinstance(case.body, dict):
            case.body = deepcopy(case.body)
            is_sane = _is_sane(case, ParameterLocation.BODY)
            seeds.fill_body(case.path, case.body, only_ids=not is_sane)

    return before_call


def _is_sane(case: Any, location: ParameterLocation) -> bool:
    component = case.meta.components.get(location) if case.meta else None
    return component is None or component.mode == GenerationMode.POSITIVE


def _unexplained(run: Run) -> list[str]:
    """Name what no row explains, and the rows that explain nothing."""
    strange = [one for one in run.found if not any(row.explains(one) for row in DEVIATIONS)]
    idle = [row for row in DEVIATIONS if not any(row.explains(one) for one in run.found)]
    return [
        *(f"{one.operation}: {one.check}\n    {one.asked}\n    {one.said}" for one in strange),
        *(f"the table has a row too many: {row.reason}" for row in idle),
    ]


def _refused(run: Run, schema: Any) -> list[str]:
    known = {operation.ok().label for operation in schema.get_all_operations()}
    return sorted(known - run.operations)


def _needless(run: Run, specification: Json) -> list[str]:
    """Name the mends without which each answer would be right as well."""
    found: list[str] = []
    for mend in MENDS:
        schema = _loaded(specification, [other for other in MENDS if other is not mend])
        if all(
            schema[path][method].is_valid_response(answer)
            for (method, path), answers in run.answered.items()
            for answer in answers
        ):
            found.append(f"the table has a mend too many: {mend.reason}")
    return found


main()
