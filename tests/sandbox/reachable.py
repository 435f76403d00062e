"""Which values of the specification the local Sikoia returns, as a table for the docs.

`PYTHONPATH=tests python -m sandbox.reachable` writes the table into the page.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import anyio
import attrs
import httpx
from sandbox.memory import EPOCH
from spec import operation, operations, properties, resolved

from sikoia_async.sandbox import App, Credentials, Rate, Scenario, Time, create_app
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.sandbox.resources.data_sources import READ
from sikoia_async.sandbox.scenarios.catalogue import CATALOGUE
from sikoia_async.sandbox.scenarios.scenario import DocumentType, IncomeType, PayFrequency

__all__ = ["PAGE", "replaced", "table"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "pages" / "local.md"
_HEADER: Final = "| field | in | returned | never returned |\n|---|---|---|---|\n"
_WORK: Final = 60
_OWN: Final = [
    *(
        Scenario(name=one, person=f"Paid {one}", pay_frequency=one)
        for one in get_args(PayFrequency)
    ),
    *(
        Scenario(name=one, person=f"Income {number}", income_type=one)
        for number, one in enumerate(get_args(IncomeType))
    ),
    Scenario(name="referred", person="Reba Referred", integrity="Refer"),
]
_BEGUN: Final = "the response comes before the income is verified"
_GROSS: Final = "payslips show basic pay only"
_DEDUCTIONS: Final = "payslips show income tax, national insurance and a pension only"
_TRANSACTIONS: Final = "accounts have no such transactions"
_ACCEPTED: Final = "a new request is `Pending`, and fails later"
# Why values are never returned, by the part of the API, the field, and one of the values.
_REASONS: Final = {
    ("Affordability Insights", "category", "Gambling"): _TRANSACTIONS,
    ("Affordability Insights", "name", "Petcare"): _TRANSACTIONS,
    ("Affordability Insights", "status", "Failed"): _ACCEPTED,
    ("Authentication", "error", "invalid_grant"): "there is one application with one grant",
    ("Checklist", "category", "MonthlyChildcare"): _BEGUN,
    ("Checklist", "category", "MonthlyBasicPay"): _BEGUN,
    ("Checklist", "category", "TotalIncomeReceived"): _BEGUN,
    ("Checklist", "category", "Tax"): _BEGUN,
    ("Checklist", "income_type", "Pensions"): _BEGUN,
    ("Checklist", "source_type", "Payslip"): _BEGUN,
    ("Company Registry", "generic_legal_form", "Other"): "every company is a limited company",
    ("Data Sources", "source_type", "OpenBankingConnection"): "connections show as bank accounts",
    ("Identity Verification", "status", "Failed"): _ACCEPTED,
    ("Income & Employer Verification", "category", "BonusPay"): _GROSS,
    ("Income & Employer Verification", "category", "MonthlyBonusPay"): _GROSS,
    ("Income & Employer Verification", "category", "Childcare"): _DEDUCTIONS,
    ("Income & Employer Verification", "category", "MonthlyChildcare"): _DEDUCTIONS,
    (
        "Income & Employer Verification",
        "category",
        "TrustsAndEstates",
    ): "tax returns show pay and rent",
    ("Income & Employer Verification", "category", "Penalties"): "tax years have one amount due",
    ("Income & Employer Verification", "status", "Failed"): _ACCEPTED,
    ("Online Data", "entity_type", "person"): "only companies are looked up",
}
_NAMED: Final = re.compile(r"`([A-Za-z/ -]+)`|\*\*([A-Za-z /-]+)\*\*")


class _Field(NamedTuple):
    """A field of responses that has a list of values."""

    name: str
    values: frozenset[str]
    tag: str


_Seen = dict[_Field, set[str]]


def table() -> str:
    """Return the table in Markdown: fields with the same values and the same gaps share a line.

    Raises:
        ValueError: `_REASONS` lacks a reason, or has one for a value that is returned.
    """
    return _HEADER + "".join(sorted(_lines(anyio.run(_explore))))


def replaced(page: str) -> str:
    """Return the page with a new table."""
    start = page.index(_HEADER)
    return page[:start] + table() + re.sub(r"\A(\|.*\n)*", "", page[start:])


def _lines(seen: _Seen) -> Iterator[str]:
    tags: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    reasons = dict(_REASONS)
    for field, returned in seen.items():
        missing = field.values - returned
        why = [
            reasons.pop(one)
            for one in list(reasons)
            if one[:2] == (field.tag, field.name) and one[2] in missing
        ]
        if len(why) != bool(missing):
            msg = f"_REASONS needs one reason for {field.tag}, {field.name}, {sorted(missing)}"
            raise ValueError(msg)
        gap = ": ".join([_listed(missing), *why])
        tags[field.name, _listed(returned), gap].append(field.tag)
    if reasons:
        msg = f"_REASONS has reasons for values that are returned: {sorted(reasons)}"
        raise ValueError(msg)
    for (name, values, gap), parts in tags.items():
        yield f"| `{name}` | {', '.join(sorted(parts))} | {values} | {gap} |\n"


def _listed(values: AbstractSet[str]) -> str:
    return ", ".join(f"`{one}`" for one in sorted(values)) or "none"


# The specification.

_KNOWN: Final[dict[int, frozenset[str]]] = {}


def _values(schema: dict[str, Any]) -> frozenset[str]:
    """Return the values that a field may have: its enum, or those that its description names."""
    # The schemas live as long as the specification, which is read once.
    if id(schema) not in _KNOWN:
        plain = resolved(schema)
        named = {one or other for one, other in _NAMED.findall(schema.get("description", ""))}
        is_list = plain.get("type") == "string" and len(named) > 1
        _KNOWN[id(schema)] = frozenset(plain.get("enum", named if is_list else ()))
    return _KNOWN[id(schema)]


def _all_fields() -> Iterator[_Field]:
    for one in operations().values():
        for response in one.responses.values():
            yield from _fields_in(response.get("schema", {}), one.tag, set())


def _fields_in(schema: dict[str, Any], tag: str, met: set[int]) -> Iterator[_Field]:
    plain = resolved(schema)
    if id(plain) in met:
        return
    met.add(id(plain))
    for name, field in properties(plain).items():
        if values := _values(field):
            yield _Field(name, values, tag)
        yield from _fields_in(field, tag, met)
    if "items" in plain:
        yield from _fields_in(plain["items"], tag, met)


# The local Sikoia.


async def _explore() -> _Seen:
    """Return every field, with the values that some request returned."""
    seen: _Seen = {field: set() for field in _all_fields()}
    for scenario in (None, *CATALOGUE, *_OWN):
        app = create_app(
            time=Time(speed=0, epoch=EPOCH),
            work_time=0 if scenario else _WORK,
            credentials=Credentials(api_key="legacy"),
            rate=Rate(requests_per_window=10**9),
            scenarios=_OWN,
        )
        async with httpx.AsyncClient(
            base_url="https://local.example",
            headers={
                "apikey": "legacy",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
            transport=httpx.ASGITransport(app),
        ) as client:
            walk = _Walk(app, client, scenario, seen)
            await (walk.with_scenario() if scenario else walk.without_scenario())
    return seen


@attrs.define
class _Walk:
    """Makes every kind of request about a case, a company and a person, and notes the values."""

    app: App
    client: httpx.AsyncClient
    scenario: Scenario | None
    seen: _Seen
    # By the name of the parameter, and for requests by the first part of their path.
    ids: defaultdict[str, set[str]] = attrs.field(factory=lambda: defaultdict[str, set[str]](set))
    entities: dict[str, str] = attrs.field(factory=dict[str, str])

    async def with_scenario(self) -> None:
        """Do everything once, where work ends at once."""
        await self._begin("Business", ["New"])
        await self._upload(READ)
        await self._request_insights()
        await self._run_checks()
        await self._read_all()

    async def without_scenario(self) -> None:
        """Do everything with every type, read while work is pending, and let the rest fail."""
        await self._request_tokens()
        stage = properties(operation("POST", "/v2/cases").responses[201]["schema"])["stage"]
        await self._begin("Consumer", sorted(_values(stage)))
        await self._upload(get_args(DocumentType))
        await self._request_insights()
        await self._run_checks()
        await self._read_all()
        self.app.clock.advance(_WORK)
        await self._upload(READ)
        await self._request_insights()
        await self._post("/v2/identity", person_id=self.entities["person"])
        await self._log_webhook()
        for job in self.app.work.pending:
            if job.can_fail:
                self.app.work.fail(job.id, kind=job.kind)
        await self._read_all()

    async def _request_tokens(self) -> None:
        application = self.app.application
        right = {
            "grant_type": "client_credentials",
            "scope": application.scope,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
        }
        for wrong in ({"grant_type": "password"}, {"client_id": "x"}, {"scope": "x"}):
            await self._call("POST", "/token", data=right | wrong)
        await self._call("POST", "/token", data={"grant_type": "client_credentials"})

    async def _begin(self, case_type: str, stages: list[str]) -> None:
        """Create a case, and buy everything about its company and its person."""
        named = self.scenario or Scenario(name="none", person="Any Body")
        name, number = named.company_name or "Acme Ltd", named.company_number or "12345678"
        first, last = (named.person or "Any Body").split()
        company = {"company_name": name, "company_number": number, "jurisdiction_code": "GB"}
        owner = {"owner_id": "one", "owner_type": "User"}
        case = await self._post("/v2/cases", name="Loan", case_type=case_type, ownership=[owner])
        url = f"/v2/cases/{case['case_id']}"
        for stage in stages:
            await self._call("PATCH", "/v2/cases/{case_id}", url, json={"stage": stage})
            entities = {
                "companies": [{**company, "registry_search": True}],
                "persons": [{"first_name": first, "last_name": last}],
            }
            case = await self._call(
                "POST", "/v2/cases/{case_id}/entities", f"{url}/entities", json=entities
            )
        self.entities = {
            "case": case["case_id"],
            "company": case["companies"][0]["company_id"],
            "person": case["persons"][0]["person_id"],
        }
        await self._buy(name)

    async def _buy(self, name: str) -> None:
        await self._post("/v2/identity", person_id=self.entities["person"])
        await self._post("/v2/company-registry-data/search", company_name=name, country_code="GB")
        company = {"company_id": self.entities["company"]}
        await self._post("/v2/company-online-data", **company)
        for entity in self._entities():
            await self._post("/v2/openbanking", **entity)
            term = {"search_term": "Any Body"} if entity["entity_type"] == "case" else {}
            for path in ("/v2/peps-sanctions", "/v2/adverse-media"):
                await self._post(path, **entity, **term)
        for path in ("/v2/company-registry-data", "/v2/company-credit-reports"):
            request = await self._post(path, **company)
            for item in request.get("picklist") or ():
                chosen = {"request_id": request["request_id"], "picklist_index": item["index"]}
                await self._post(f"{path}/picklist", **chosen)

    def _entities(self) -> list[dict[str, str]]:
        return [{"entity_type": kind, "entity_id": one} for kind, one in self.entities.items()]

    async def _upload(self, kinds: tuple[str, ...]) -> None:
        file_name = (self.scenario and self.scenario.file_name) or "file.pdf"
        file = {"file": "JVBERg==", "display_name": "A file", "file_name": file_name}
        person = {"entity_type": "person", "entity_id": self.entities["person"]}
        for kind in ({}, *({"document_type": one} for one in kinds)):
            await self._post("/v2/documents", **person, **file, **kind)

    async def _request_insights(self) -> None:
        for entity in self._entities():
            for path in ("/v2/affordability-insights", "/v2/income-employer"):
                await self._post(path, **entity)

    async def _run_checks(self) -> None:
        for kind in await self._call("GET", "/v2/validation-checks/validation-types"):
            entity = {
                "entity_type": kind["entity_type"],
                "entity_id": self.entities[kind["entity_type"]],
            }
            for path in ("/v2/validation-checks", "/v2/completeness-income-checks"):
                await self._post(path, **entity, validation_type_id=kind["validation_type_id"])

    async def _log_webhook(self) -> None:
        event = "IdentityVerification.Completed"
        hook = {"webhook_name": "W", "webhook_callback_url": "https://127.0.0.1:1/"}
        created = await self._post("/v2/webhooks", **hook, event_types=[event])
        webhook_log.record(self.app.state, created["webhook_id"], event_type=event, event_data="{}")

    async def _read_all(self) -> None:
        """Send every GET whose path can be filled with what was created."""
        for method, path in operations():
            if method == "GET" and "excel" not in path:
                for url in self._urls(path):
                    await self._call("GET", path, url)

    def _urls(self, path: str) -> Iterator[str]:
        if "{entity_type}" in path:
            for kind, name in (("Cases", "case"), ("Companies", "company"), ("Persons", "person")):
                for one in sorted(self.ids[f"{name}_id"]):
                    yield path.replace("{entity_type}", kind).replace("{entity_id}", one)
        elif "{" in path:
            (name,) = re.findall(r"\{(\w+)\}", path)
            for one in sorted(self.ids[path.split("/")[2] if name == "request_id" else name]):
                yield path.replace(f"{{{name}}}", one)
        else:
            yield path

    async def _post(self, path: str, **body: Any) -> Any:
        return await self._call("POST", path, json=body)

    async def _call(self, method: str, path: str, url: str = "", **content: Any) -> Any:
        """Call an operation, and note the values in the response, and the ids of what there is."""
        form = {"Content-Type": "application/x-www-form-urlencoded"} if "data" in content else {}
        response = await self.client.request(method, url or path, headers=form, **content)
        body: Any = response.json() if response.content else {}
        known = operation(method, path)
        if schema := known.responses.get(response.status_code, {}).get("schema"):
            self._note(schema, body, known.tag)
        if method == "POST" and "request_id" in body:
            self.ids[path.split("/")[2]].add(body["request_id"])
        return body

    def _note(self, schema: dict[str, Any], value: Any, tag: str) -> None:
        plain = resolved(schema)
        if "items" in plain:
            for one in value:
                self._note(plain["items"], one, tag)
        for name, field in properties(plain).items():
            inner = value.get(name)
            if name.endswith("_id") and inner:
                self.ids[name].add(inner)
            if values := _values(field):
                self.seen[_Field(name, values, tag)] |= values & {inner}
            elif inner:
                self._note(field, inner, tag)


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
