"""Tests the local Sikoia against the vendor's specification with Schemathesis.

A finding that the table of deviations does not explain fails, and so does a row of the table that
no longer explains anything.

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
from deviations import CORRECTIONS, DEVIATIONS, Correction, Found, Json
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import Status, events, from_schema
from schemathesis.generation import GenerationMode
from seeds import Seeds, credentials

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time

_FILE: Final = Path(__file__).resolve().parents[3] / "shared" / "api" / "sikoia-openapi.yml"
_EXAMPLES: Final = 6
_SHOWN: Final = 20
_SUCCESS: Final = range(200, 300)
_NEVER: Final = 10**9
_WORK: Final = 5.0


@attrs.define
class Clock:
    """A clock that counts its readings, so that every run sees the same pending work."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return a later time with each call."""
        self.now += 0.1
        return self.now

    def work(self) -> None:
        """Complete all pending work."""
        self.now += _WORK


@attrs.define
class Run:
    """The requests of a run and their responses."""

    phases: Counter[str] = attrs.field(factory=Counter)
    statuses: Counter[int] = attrs.field(factory=Counter)
    operations: set[str] = attrs.field(factory=set)
    found: list[Found] = attrs.field(factory=list)
    broken: list[str] = attrs.field(factory=list)
    responses: dict[tuple[str, str], list[Any]] = attrs.field(factory=dict)
    """Successful responses by method and path."""

    def note(self, event: Any) -> None:
        """Record an event of the engine."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.broken.append(repr(event))
        if isinstance(event, events.ScenarioFinished):
            for case_id, interaction in event.recorder.interactions.items():
                self._note_response(
                    event, event.recorder.cases[case_id].value, interaction.response
                )
            for case_id, checks in event.recorder.checks.items():
                self._note_checks(event.recorder, case_id, checks)

    def _note_response(self, event: Any, case: Any, response: Any) -> None:
        self.phases[event.phase.value] += 1
        self.statuses[response.status_code] += 1
        if response.status_code in _SUCCESS:
            self.operations.add(case.operation.label)
            where = case.operation.method, case.operation.path
            self.responses.setdefault(where, []).append(response)

    def _note_checks(self, recorder: Any, case_id: str, checks: Iterable[Any]) -> None:
        for check in checks:
            if check.status != Status.FAILURE:
                continue
            case, response = recorder.cases[case_id].value, recorder.interactions[case_id].response
            message = f"{check.failure_info.failure.message}\n{response.text}"
            request = f"{case.method} {case.formatted_path} {case.query} {case.body!r}"
            self.found.append(Found(case.operation.label, check.name, message, request))


def main() -> None:
    """Exit with an error if the local Sikoia breaks the specification."""
    if not _FILE.exists():
        print(f"NOT CHECKED: {_FILE.name} is not beside the repository")
        return
    warnings.simplefilter("ignore")
    # Schemathesis also sends invalid HTTP, which uvicorn would log.
    logging.getLogger("uvicorn.error").disabled = True
    specification: Json = yaml.safe_load(_FILE.read_text("utf-8"))
    began, run = time.monotonic(), Run()
    examples = int(sys.argv[1]) if sys.argv[1:] else _EXAMPLES
    schema = _loaded(specification, CORRECTIONS)
    _run(schema, examples, run.note)
    wrong = [*run.broken, *_unexplained(run), *_unneeded(run, specification)]
    wrong += [f"{name}: no request succeeded" for name in _without_success(run, schema)]
    print(f"{sum(run.statuses.values())} requests in {time.monotonic() - began:.0f} s:")
    print("  by phase", *(f"{name} {count}" for name, count in run.phases.items()))
    print("  by status", *(f"{status}: {count}" for status, count in sorted(run.statuses.items())))
    print(f"  {len(run.operations)} operations succeeded")
    print(f"  {len(run.found)} findings of {len(DEVIATIONS)} known deviations")
    print(f"  {len(CORRECTIONS)} corrections of the specification")
    if wrong:
        sys.exit("\n".join([f"{len(wrong)} errors", *wrong[:_SHOWN]]))


def _loaded(specification: Json, corrections: Iterable[Correction]) -> Any:
    corrected = deepcopy(specification)
    for correction in corrections:
        correction.apply(corrected)
    return schemathesis.openapi.from_dict(corrected, config=SchemathesisConfig(seed=1))


def _run(schema: Any, examples: int, note: Callable[[Any], None]) -> None:
    """Run Schemathesis against a local Sikoia that has data in it."""
    clock = Clock()
    with Sandbox(
        time=Time(clock=clock),
        work_time=_WORK,
        credentials=Credentials(token_life=_NEVER),
        rate=Rate(requests_per_window=_NEVER),
    ) as sandbox:
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
        """Put existing ids into three of four requests, and keep invalid parts invalid."""
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
    """Return the findings that no row explains, and the rows that explain nothing."""
    unexplained = [one for one in run.found if not any(row.explains(one) for row in DEVIATIONS)]
    unused = [row for row in DEVIATIONS if not any(row.explains(one) for one in run.found)]
    return [
        *(
            f"{one.operation}: {one.check}\n    {one.request}\n    {one.message}"
            for one in unexplained
        ),
        *(f"this deviation explains nothing: {row.reason}" for row in unused),
    ]


def _without_success(run: Run, schema: Any) -> list[str]:
    known = {operation.ok().label for operation in schema.get_all_operations()}
    return sorted(known - run.operations)


def _unneeded(run: Run, specification: Json) -> list[str]:
    """Return the corrections without which every response would be valid too."""
    found: list[str] = []
    for correction in CORRECTIONS:
        schema = _loaded(specification, [other for other in CORRECTIONS if other is not correction])
        if all(
            schema[path][method].is_valid_response(response)
            for (method, path), responses in run.responses.items()
            for response in responses
        ):
            found.append(f"this correction is not needed: {correction.reason}")
    return found


main()
