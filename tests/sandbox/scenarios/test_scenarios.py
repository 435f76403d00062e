"""Scenarios: what selects them, what they do through the SDK, and which are refused."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import (
    InsufficientPermissionsError,
    NewCompany,
    NewPerson,
    OperationFailedError,
    RequestedOperation,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Company
from sikoia_async.sandbox import Sandbox, Scenario, create_app
from sikoia_async.sandbox.scenarios.catalogue import CATALOGUE
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.scenarios.value_types import is_of_type
from sikoia_async.testing import MemorySandbox, client_of

_PAGE = Path(__file__).parents[3] / "docs" / "pages" / "local.md"
_PDF = b"%PDF-1.7 fictitious"

Results = dict[str, Any]
"""What the SDK returns about a company or a person, by effect."""


async def company_of(
    sikoia: Sikoia, name: str = "Plain Example Ltd", number: str | None = "12345678"
) -> Company:
    """Create a company in a new case."""
    company = NewCompany(company_name=name, company_number=number, jurisdiction_code="GB")
    case = await sikoia.cases.create(name="Loan", case_type="Business", companies=[company])
    assert case.companies
    return case.companies[0]


async def person_of(sikoia: Sikoia, name: str) -> Entity:
    """Create a person in a new case."""
    first_name, last_name = name.split()
    person = NewPerson(first_name=first_name, last_name=last_name)
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[person])
    assert case.persons
    return Entity("person", case.persons[0].person_id)


async def unless_refused(awaitable: Awaitable[Any]) -> Any:
    """Return the result, or the detail of a refusal for insufficient credits."""
    try:
        return await awaitable
    except InsufficientPermissionsError as error:
        return error.detail


async def _first(request: Awaitable[RequestedOperation[Any]]) -> Any:
    return (await request).first


async def company_results(sikoia: Sikoia, company: Company) -> Results:
    """Request everything about a company that a scenario may change."""
    registry, reports = sikoia.company_registry, sikoia.credit_reports
    registered = await unless_refused(_first(registry.request(company)))
    credit = await unless_refused(_first(reports.request(company)))
    hits = await unless_refused(
        registry.search(company_name=company.company_name or "", country_code="GB")
    )
    results: Results = {
        "refused": {one for one in (registered, credit, hits) if isinstance(one, str)}
    }
    if results["refused"]:
        return results
    online = (await sikoia.online_data.request(company)).first
    peps = await sikoia.screening.search_peps_sanctions(company)
    media = await sikoia.screening.search_adverse_media(company)
    results |= {"online": online.status, "matches": (peps.total_matches, media.total_matches)}
    results["status"] = registered.status, credit.status
    results["picklists"] = len(registered.picklist or ()), len(credit.picklist or ())
    results["found"] = len(hits)
    data = (await registry.retrieve(registered.request_id)).data
    results["registered"] = data and (data.status, bool(data.insolvencies))
    report = (await reports.retrieve(credit.request_id)).data
    if report:
        assert report.credit_rating
        assert report.company_information
        results["rating"] = report.credit_rating.international_credit_rating
        assert (report.company_information.date_dissolved is None) == (
            report.company_information.status == "Active"
        )
        assert data
        assert report.company_information.status == data.status
    return results


async def person_results(sikoia: Sikoia, person: Entity, file_name: str = "some.pdf") -> Results:
    """Request everything about a person and their documents that a scenario may change."""
    peps = await sikoia.screening.search_peps_sanctions(person)
    media = await sikoia.screening.search_adverse_media(person)
    results: Results = {"matches": (peps.total_matches, media.total_matches)}
    try:
        report: Any = await (await sikoia.identity.request(person.id))
        results["identity"] = report.status, report.data.verification_status
    except OperationFailedError as error:
        results["identity"] = error.result.status, None
    statement = await sikoia.documents.upload(
        person, _PDF, document_type="BankStatement", file_name=file_name
    )
    check = await sikoia.documents.integrity_check(statement.document_id)
    results["integrity"] = {rule.decision for rule in check.rules or ()}
    for _ in range(3):
        await sikoia.documents.upload(person, _PDF, document_type="Payslip", file_name=file_name)
    kinds = await sikoia.checks.types()
    (kind,) = [
        one
        for one in kinds
        if one.entity_type == "person" and "payslips" in (one.validation_check_name or "")
    ]
    payslips = await (await sikoia.checks.run(person, kind.validation_type_id))
    results["payslips"] = payslips.status, [rule.decision for rule in payslips.rules or ()]
    return results


SOUND: Results = {
    "refused": set[str](),
    "online": "Complete",
    "matches": (0, 0),
    "status": ("Complete", "Complete"),
    "picklists": (0, 0),
    "found": 1,
    "registered": ("Active", False),
    "rating": "A",
}
UNKNOWN: Results = {"status": ("Failed", "Failed"), "found": 0, "registered": None}
SEVERAL: Results = {
    "status": ("TooManyResults", "TooManyResults"),
    "picklists": (3, 3),
    "found": 3,
    "registered": None,
}
NO_CREDITS = "Insufficient credits."
COMPANIES: dict[str, Results] = {
    "solvent company": {},
    "insolvent company": {"rating": "E"},
    "several matches": SEVERAL,
    "not registered": UNKNOWN,
    "closed company": {"registered": ("Closed", True)},
    "not online": {"online": "Failed"},
    "sanctions hit": {"matches": (2, 5)},
    "adverse media": {"matches": (0, 4)},
    "no credits": {"refused": {NO_CREDITS}},
}
# Results that a scenario takes away.
MISSING = {
    "several matches": {"rating"},
    "not registered": {"rating"},
    "no credits": SOUND.keys() - {"refused"},
}
HARMLESS: Results = {
    "matches": (0, 0),
    "identity": ("Complete", "Approved"),
    "integrity": {"Pass"},
    "payslips": ("Complete", ["Pass", "Pass"]),
}
PERSONS: dict[str, Results] = {
    "sanctions hit": {"matches": (2, 5)},
    "politically exposed": {"matches": (1, 0)},
    "adverse media": {"matches": (0, 4)},
    "declined identity": {"identity": ("Complete", "Declined")},
    "blurred identity": {"identity": ("Complete", "ResubmissionRequested")},
    "expired identity": {"identity": ("Expired", "NotCompleted")},
    "failed identity": {"identity": ("Failed", None)},
    "tampered statement": {"integrity": {"Pass", "Fail"}},
    "incomplete payslips": {"payslips": ("Failed", ["Pass", "Fail"])},
}
FILES = {name: PERSONS[name] for name in ("tampered statement", "incomplete payslips")}
BY_NAME = {one.name: one for one in CATALOGUE}
# In test_unhappy_outcomes.py.
ELSEWHERE = {
    "service not enabled",
    "restricted company",
    "converted company",
    "missing information",
    "failed search",
    "failed upload",
    "unreadable statement",
    "excluded document",
    "classifier against claim",
    "two documents in one file",
    "bank link rejected",
    "bank link abandoned",
    "bank not chosen",
    "bank link expired",
    "weekly pay",
    "pensioner",
    "affordability deficit",
}


def test_the_tests_below_cover_the_whole_catalogue() -> None:
    """By every selector."""
    assert BY_NAME.keys() >= ELSEWHERE
    for one in CATALOGUE:
        if one.name in ELSEWHERE:
            continue
        assert (one.company_number is not None) == (one.company_name is not None)
        assert (one.company_name is not None) == (one.name in COMPANIES)
        assert (one.person is not None) == (one.name in {*PERSONS, "no credits"})
        assert (one.file_name is not None) == (one.name in FILES)
        assert one.about


@pytest.mark.anyio
@pytest.mark.parametrize("by", ["company_number", "company_name"])
@pytest.mark.parametrize("name", COMPANIES)
async def test_a_company_has_the_effects_of_its_scenario(name: str, by: str) -> None:
    """Selected by number or by name; everything else is as usual."""
    scenario = BY_NAME[name]
    assert scenario.company_name
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            if by == "company_number":
                company = await company_of(sikoia, number=scenario.company_number)
            else:
                company = await company_of(sikoia, f" {scenario.company_name.upper()} ")
            results = await company_results(sikoia, company)

    missing = MISSING.get(name, set[str]())
    if by == "company_number":
        # Searches are by name only.
        missing = {*missing, "found"}
        results.pop("found", None)
    expected = SOUND | COMPANIES[name]
    assert results == {key: value for key, value in expected.items() if key not in missing}


@pytest.mark.anyio
@pytest.mark.parametrize("name", PERSONS)
async def test_a_person_has_the_effects_of_their_scenario(name: str) -> None:
    """Selected by full name; it applies to the person's documents too."""
    person = BY_NAME[name].person
    assert person
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            results = await person_results(sikoia, await person_of(sikoia, person.upper()))

    assert results == HARMLESS | PERSONS[name]


@pytest.mark.anyio
@pytest.mark.parametrize("name", FILES)
async def test_a_file_has_the_effects_of_its_scenario(name: str) -> None:
    """Whatever person it is about."""
    file_name = BY_NAME[name].file_name
    assert file_name
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            person = await person_of(sikoia, "Wilma Example")
            results = await person_results(sikoia, person, file_name)

    assert results == HARMLESS | FILES[name]


@pytest.mark.anyio
async def test_without_a_scenario_everything_is_fine() -> None:
    """Even if a name contains words from scenarios."""
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            companies = [
                await company_of(sikoia, "Several Insolvent Sanction Nowhere Ltd", "00000009"),
                await company_of(sikoia),
            ]
            person = await person_of(sikoia, "Pepita Declined-Expired")
            of_companies = [await company_results(sikoia, one) for one in companies]
            of_person = await person_results(sikoia, person, "a-tampered.pdf")

    assert of_companies == [SOUND, SOUND]
    assert of_person == HARMLESS


@pytest.mark.anyio
async def test_a_company_can_be_requested_by_name_only() -> None:
    """The match has the number of its scenario, or else a made-up one."""
    own = Scenario(name="mine", company_name="Mine", company_number="7")
    with MemorySandbox(scenarios=[own]) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia)
            numbers = [
                (await resource.request(company, company_name=name)).first.company_number
                for resource in (sikoia.company_registry, sikoia.credit_reports)
                for name in ("mine", "Other Example", "Solvent Example Ltd")
            ]
            (match,) = await sikoia.company_registry.search(company_name="mine", country_code="GB")

    assert (numbers[0], numbers[2], numbers[3], numbers[5]) == ("7", "99000001", "7", "99000001")
    assert all(numbers)
    assert (match.company_name, match.company_number) == ("Mine", "7")


@pytest.mark.anyio
async def test_companies_on_a_picklist_are_registered() -> None:
    """Requesting one by its own number gives what the picklist says."""
    scenario = Scenario(name="crowd", company_name="Crowd", matches=5)
    with MemorySandbox(scenarios=[scenario]) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Crowd")
            registry = sikoia.company_registry
            requested = (await registry.request(company.company_id)).first
            registered = list[Any]()
            for match in requested.picklist or ():
                picked = (await requested.resolve(match)).first
                one = await company_of(sikoia, match.company_name or "", match.company_number)
                again = (await registry.request(one.company_id)).first
                for request in (picked, again):
                    data = (await registry.retrieve(request.request_id)).data
                    assert data
                    registered.append((data.company_name, data.company_number, data.status))
                results = await company_results(sikoia, one)
                assert results["registered"] == (match.company_status, match.index == 5)

    statuses = ["Active"] * 4 + ["Closed"]
    assert [match.company_status for match in requested.picklist or ()] == statuses
    assert [match.company_name for match in requested.picklist or ()] == [
        "Crowd Holdings Ltd",
        "Crowd Services Ltd",
        "Crowd Trading Ltd",
        "Crowd 4 Ltd",
        "Crowd 5 Ltd",
    ]
    assert len({match.company_number for match in requested.picklist or ()}) == 5
    assert registered == [
        (match.company_name, match.company_number, match.company_status)
        for match in requested.picklist or ()
        for _ in range(2)
    ]


@pytest.mark.anyio
async def test_a_search_can_exclude_closed_companies() -> None:
    """If nothing is left, the response is a 404."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            search = sikoia.company_registry.search
            name = "Closed Example Ltd"
            result = await search(company_name=name, country_code="GB")
            active = await search(company_name=name, country_code="GB", exclude_inactive=True)

    assert (len(result), result.response.status) == (1, 200)
    assert (len(active), active.response.status) == (0, 404)


@pytest.mark.anyio
async def test_a_name_in_a_request_overrides_the_company() -> None:
    """Its number does not count then."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            offline = (await company_of(sikoia, number="99000006")).company_id
            unknown = (await company_of(sikoia, number="99000004")).company_id
            name = "Other Example Ltd"
            online = (await sikoia.online_data.request(offline, company_name=name)).first
            registered = (await sikoia.company_registry.request(unknown, company_name=name)).first
            credit = (await sikoia.credit_reports.request(unknown, company_name=name)).first

    assert [one.status for one in (online, registered, credit)] == ["Complete"] * 3


@pytest.mark.anyio
async def test_a_provider_id_identifies_one_company() -> None:
    """However many companies have the same name."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Several Example Ltd")
            report = (
                await sikoia.credit_reports.request(company.company_id, provider_id="GB-1")
            ).first

    assert (report.status, report.picklist) == ("Complete", ())


@pytest.mark.anyio
async def test_a_company_on_a_picklist_may_have_a_scenario() -> None:
    """For example, credits may run out between the picklist and the choice."""
    crowd = Scenario(name="crowd", company_name="Crowd", matches=2)
    dear = Scenario(name="dear", company_name="Crowd Services Ltd", credits=False, matches=0)
    with MemorySandbox(scenarios=[crowd, dear]) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Crowd")
            for resource in (sikoia.company_registry, sikoia.credit_reports):
                requested = (await resource.request(company)).first
                assert (await requested.resolve(1)).first.status == "Complete"
                with pytest.raises(InsufficientPermissionsError, match="Insufficient credits"):
                    await requested.resolve(2)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("payslips", "status", "decision"),
    [("Pass", "Complete", "Pass"), ("Refer", "Complete", "Refer"), ("Fail", "Failed", "Fail")],
)
async def test_the_worst_decision_on_payslips_counts(
    payslips: Any, status: str, decision: str
) -> None:
    """Files without a scenario have no say."""
    bad = Scenario(name="bad", file_name="bad.pdf", payslips=payslips)
    good = Scenario(name="good", file_name="good.pdf", payslips="Pass")
    with MemorySandbox(scenarios=[bad, good], work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            person = await person_of(sikoia, "Wilma Example")
            for file_name in ("good.pdf", "bad.pdf", "plain.pdf"):
                await sikoia.documents.upload(
                    person, _PDF, document_type="Payslip", file_name=file_name
                )
            kinds = [one for one in await sikoia.checks.types() if one.entity_type == "person"]
            check = await (await sikoia.checks.run(person, kinds[0].validation_type_id))

    assert check.status == status
    assert [rule.decision for rule in check.rules or ()] == ["Pass", decision]


@pytest.mark.anyio
async def test_the_search_term_selects_the_scenario() -> None:
    """Whatever entity the search is for: a case, a company or another person."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Sanctioned Example Ltd")
            person = await person_of(sikoia, "Petra Politician")
            case = Entity("case", next(iter(sandbox.state.cases)))
            search = sikoia.screening.search_peps_sanctions
            totals = [
                (await search(entity, search_term=term)).total_matches
                for entity in (case, company, person)
                for term in ("Petra Politician", "SANCTIONED example ltd", "Nobody")
            ]

    assert totals == [1, 2, 0] * 3


@pytest.mark.anyio
async def test_scenarios_apply_to_the_registry_search_of_a_case() -> None:
    """An unregistered company is added as it was sent, without directors."""
    companies = list[Company]()
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            for number in ("99000001", "99000004", "99000005"):
                company = NewCompany(
                    company_name="Any Ltd",
                    company_number=number,
                    jurisdiction_code="GB",
                    registry_search=True,
                    add_directors=True,
                )
                case = await sikoia.cases.create(
                    name="Loan", case_type="Business", companies=[company]
                )
                companies.extend(case.companies)
                assert bool(case.persons) == (number != "99000004")

    assert [one.status for one in companies] == ["Active", "unknown", "Closed"]


@pytest.mark.anyio
@pytest.mark.parametrize("owned", ["case", "company"])
async def test_documents_without_a_person_use_the_scenario_of_their_file(owned: str) -> None:
    """The scenario of a company does not apply to its documents."""
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Insolvent Example Ltd")
            (case_id,) = sandbox.state.cases
            entity = company if owned == "company" else Entity("case", case_id)
            names = ("incomplete-payslip.pdf", "some.pdf")
            for file_name in names:
                await sikoia.documents.upload(
                    entity, _PDF, document_type="Payslip", file_name=file_name
                )
            kinds = [one for one in await sikoia.checks.types() if one.entity_type == owned]
            check = await (await sikoia.checks.run(entity, kinds[0].validation_type_id))

    assert [rule.decision for rule in check.rules or ()] == ["Pass", "Fail"]


def test_your_scenarios_take_precedence_over_the_catalogue() -> None:
    """Even a name over a number. A scenario with the same name replaces the catalogue's."""
    by_name = Scenario(name="mine", company_name="Odd Ltd", adverse_media=1)
    replaced = Scenario(name="insolvent company", company_number="1", solvent=False)
    scenarios = Scenarios([by_name, replaced])

    assert len(scenarios) == len(CATALOGUE) + 1
    assert [*scenarios][:3] == [by_name, replaced, CATALOGUE[0]]
    assert scenarios.of_company("99000003", "ODD LTD") is by_name
    assert scenarios.of_company("99000003", "Even Ltd").name == "several matches"
    assert scenarios.of_company("99000002", "Insolvent Example Ltd").solvent


def test_numbers_take_precedence_over_names() -> None:
    """And files over people."""
    scenarios = Scenarios()
    person = {"person_id": "1", "first_name": " Tamara ", "last_name": " Tampered "}

    assert scenarios.of_company("99000002", "Several Example Ltd").name == "insolvent company"
    assert scenarios.of_document("incomplete-payslip.pdf", person).name == "incomplete payslips"
    assert scenarios.of_document("other.pdf", person).name == "tampered statement"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"company_number": "7"}, {"company_number": " 7 "}),
        ({"company_name": "A Ltd"}, {"company_name": "a ltd", "company_number": "8"}),
        ({"person": "Wilma Example"}, {"person": "WILMA EXAMPLE"}),
        ({"file_name": "a.pdf"}, {"file_name": "A.PDF"}),
    ],
)
def test_two_scenarios_with_the_same_selector_are_refused(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """The message has both names and the field, but not its value."""
    (field,) = first
    pair = [Scenario(name="one", **first), Scenario(name="other", **second)]

    with pytest.raises(
        ValueError, match=f"^the scenarios 'one' and 'other' have the same {field}$"
    ):
        create_app(scenarios=pair)


def test_two_scenarios_with_the_same_name_are_refused() -> None:
    """A list could not distinguish them."""
    pair = [Scenario(name="one", person="A"), Scenario(name="one", person="B")]

    with pytest.raises(ValueError, match="two scenarios have the name 'one'"):
        create_app(scenarios=pair)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": " "}, "name: expected a string that is not empty"),
        ({"name": "two\nlines"}, "name: expected a single line"),
        ({"name": 7}, "name: expected a string"),
        ({"about": "two\nlines"}, "about: expected a single line"),
        ({"about": None}, "about: expected a string"),
        ({"company_name": ""}, "company_name: expected a string that is not empty"),
        ({"person": "two\tparts"}, "person: expected a single line"),
        (
            {"file_name": "a", "documents_in_file": 0},
            "documents_in_file: expected a number from 1 to 1000",
        ),
        ({"company_name": "A", "matches": -1}, "matches: expected a number from 0 to 1000"),
        ({"company_name": "A", "matches": 1001}, "matches: expected a number from 0 to 1000"),
        ({"company_name": "A", "matches": True}, "matches: expected a whole number"),
        ({"company_name": "A", "solvent": 0}, "solvent: expected true or false"),
        ({"adverse_media": 1.0}, "adverse_media: expected a whole number"),
        ({"identity": "Refused"}, "identity: expected one of 'Approved', 'Declined', "),
        ({"identity": True}, "identity: expected one of "),
        ({"payslips": "Failed"}, "payslips: expected one of 'Pass', 'Refer', 'Fail'"),
        ({"solvent": False}, "solvent: needs one of company_number, company_name"),
        ({"integrity": "Fail", "person": None, "company_name": "A"}, "integrity: needs one "),
        (
            {"person": None},
            "a scenario needs one of company_number, company_name, person, file_name",
        ),
    ],
)
def test_invalid_scenarios_are_refused(fields: dict[str, Any], message: str) -> None:
    """When they are made; the message begins with the field."""
    arguments: dict[str, Any] = {"name": "mine", "person": "Wilma Example", **fields}
    with pytest.raises(ValueError, match=f"^{message}"):
        Scenario(**arguments)


@pytest.mark.parametrize("wrong", ["shop.toml", b"bytes", Path("path"), [7], [None]])
def test_scenarios_have_to_be_a_list(wrong: Any) -> None:
    """A single path would pass as a sequence of letters."""
    with pytest.raises(ValueError, match="scenarios: expected a list"):
        create_app(scenarios=wrong)


def test_a_scenario_has_a_summary() -> None:
    """Its `about`, or else its effects."""
    one = Scenario(name="a", company_name="A Ltd", company_number="7", matches=0, online=False)
    other = Scenario(name="b", person="Wilma Example", about="Nothing.", peps_sanctions=1)

    assert (one.summary, one.selected_by) == ("matches=0, online=False", "7 or A Ltd")
    assert (other.summary, other.selected_by) == ("Nothing.", "Wilma Example")


def test_the_documentation_lists_the_catalogue() -> None:
    """All of it, word for word."""
    rows = [
        tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|"))
        for line in _PAGE.read_text(encoding="utf-8").partition("| scenario |")[2].splitlines()
        if line.startswith("| ")
    ]

    listed = [(one.name, one.selected_by, one.about) for one in CATALOGUE]
    assert rows[: len(listed)] == listed
    # The next table is another one.
    assert len(rows[len(listed)]) == 2


def test_the_table_is_aligned() -> None:
    """Each column begins at the same place in every line."""
    lines = [*Scenarios([Scenario(name="a", person="B C", identity="Failed")]).table()]

    assert lines[0] == f"{'a':25}  {'B C':56}  identity='Failed'"
    assert len(lines) == len(CATALOGUE) + 1
    for line, one in zip(lines[1:], CATALOGUE, strict=True):
        assert (line[:25].strip(), line[27:83].strip(), line[85:]) == (
            one.name,
            one.selected_by,
            one.about,
        )


@given(
    st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip()),
    st.sampled_from(["", " ", "\t\n"]),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_case_and_space_do_not_matter(name: str, space: str, spell: Callable[[str], str]) -> None:
    """Everything else about a name does."""
    scenario = Scenario(name="mine", company_name=name)
    scenarios = Scenarios([scenario])
    spelling = spell(name) if spell(name).casefold() == name.casefold() else name

    assert scenarios.of_company(None, f"{space}{spelling}{space}") is scenario
    assert scenarios.of_company(None, f"{name}x") is not scenario
    assert scenarios.of_company("", "").name == "ordinary"


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()))
def test_a_value_is_of_its_own_type_only(value: Any) -> None:
    """Except that an int is a float too."""
    for kind in (bool, int, float, str, bytes, type(None)):
        is_int_as_float = kind is float and type(value) is int
        assert is_of_type(kind, value) == (is_int_as_float or type(value) is kind)


@pytest.mark.parametrize("make", [Sandbox, MemorySandbox])
def test_a_sandbox_lists_its_scenarios(make: type[Sandbox]) -> None:
    """Yours first, then the catalogue; snapshots and resets do not change them."""
    mine = Scenario(name="mine", person="Wilma Example", identity="Declined")
    with make(scenarios=[mine]) as sandbox:
        before = sandbox.snapshot()
        sandbox.restore(before)
        sandbox.reset()

        assert [*sandbox.scenarios] == [mine, *CATALOGUE]


@pytest.mark.anyio
async def test_a_closed_company_stays_closed_in_a_snapshot() -> None:
    """Companies that a picklist showed as closed are part of snapshots, and a reset clears them."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            *_, closed = await sikoia.company_registry.search(
                company_name="Several Example Ltd", country_code="GB"
            )
            snapshot = sandbox.snapshot()
            sandbox.reset()
            forgotten = set(sandbox.state.closed_numbers)
            sandbox.restore(snapshot)

    assert forgotten == set()
    assert sandbox.state.closed_numbers == {closed.company_number}
