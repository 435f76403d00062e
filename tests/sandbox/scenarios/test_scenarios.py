"""Scenarios: what chooses one, what comes of each through the SDK, and which are refused."""

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
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Company
from sikoia_async.sandbox import Sandbox, Scenario, create_app
from sikoia_async.sandbox.scenarios.catalogue import CATALOGUE
from sikoia_async.sandbox.scenarios.fitting import is_fit
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.testing import MemorySandbox, client_of

_PAGE = Path(__file__).parents[3] / "docs" / "pages" / "local.md"
_PDF = b"%PDF-1.7 fictitious"

Seen = dict[str, Any]
"""What comes of a company or a person, by the names of the consequences."""


async def company_of(
    sikoia: Sikoia, name: str = "Plain Example Ltd", number: str | None = "12345678"
) -> Company:
    """Create a company in a case of its own."""
    company = NewCompany(company_name=name, company_number=number, jurisdiction_code="GB")
    case = await sikoia.cases.create(name="Loan", case_type="Business", companies=[company])
    assert case.companies
    return case.companies[0]


async def person_of(sikoia: Sikoia, name: str) -> Entity:
    """Create a person in a case of its own."""
    first_name, last_name = name.split()
    person = NewPerson(first_name=first_name, last_name=last_name)
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[person])
    assert case.persons
    return Entity("person", case.persons[0].person_id)


async def unless_refused(awaitable: Awaitable[Any]) -> Any:
    """Return the answer, or the detail of a refusal that is one for want of credits."""
    try:
        return await awaitable
    except InsufficientPermissionsError as error:
        return error.detail


async def seen_of_company(sikoia: Sikoia, company: Company) -> Seen:
    """Ask for all that a scenario may change of a company."""
    registry, reports = sikoia.company_registry, sikoia.credit_reports
    asked = await unless_refused(registry.request(company_id=company.company_id))
    credit = await unless_refused(reports.request(company_id=company.company_id))
    found = await unless_refused(
        registry.search(company_name=company.company_name or "", country_code="GB")
    )
    seen: Seen = {"refused": {one for one in (asked, credit, found) if isinstance(one, str)}}
    online = await sikoia.online_data.request(company.company_id)
    peps = await sikoia.screening.search_peps_sanctions(company)
    media = await sikoia.screening.search_adverse_media(company)
    seen |= {"online": online.status, "matches": (peps.total_matches, media.total_matches)}
    if seen["refused"]:
        return seen
    seen["status"] = asked.status, credit.status
    seen["picklists"] = len(asked.picklist or ()), len(credit.picklist or ())
    seen["found"] = len(found)
    data = (await registry.retrieve(asked.request_id)).data
    seen["registered"] = data and (data.status, bool(data.insolvencies))
    report = (await reports.retrieve(credit.request_id)).data
    if report:
        assert report.credit_rating
        assert report.company_information
        seen["rating"] = report.credit_rating.international_credit_rating
        assert (report.company_information.date_dissolved is None) == (
            report.company_information.status == "Active"
        )
        assert data
        assert report.company_information.status == data.status
    return seen


async def seen_of_person(sikoia: Sikoia, person: Entity, file_name: str = "some.pdf") -> Seen:
    """Ask for all that a scenario may change of a person, and of documents of one name."""
    peps = await sikoia.screening.search_peps_sanctions(person)
    media = await sikoia.screening.search_adverse_media(person)
    seen: Seen = {"matches": (peps.total_matches, media.total_matches)}
    verification = await unless_refused(sikoia.identity.request(person.id))
    if isinstance(verification, str):
        seen["identity"] = verification
    else:
        try:
            report = await verification
            seen["identity"] = report.status, report.data.verification_status
        except OperationFailedError as error:
            seen["identity"] = error.result.status, None
    statement = await sikoia.documents.upload(
        person, _PDF, document_type="BankStatement", file_name=file_name
    )
    check = await sikoia.documents.integrity_check(statement.document_id)
    seen["integrity"] = {rule.decision for rule in check.rules or ()}
    for _ in range(3):
        await sikoia.documents.upload(person, _PDF, document_type="Payslip", file_name=file_name)
    kinds = await sikoia.checks.types()
    (kind,) = [
        one
        for one in kinds
        if one.entity_type == "person" and "payslips" in (one.validation_check_name or "")
    ]
    payslips = await (await sikoia.checks.run(person, kind.validation_type_id))
    seen["payslips"] = payslips.status, [rule.decision for rule in payslips.rules or ()]
    return seen


SOUND: Seen = {
    "refused": set[str](),
    "online": "Complete",
    "matches": (0, 0),
    "status": ("Complete", "Complete"),
    "picklists": (0, 0),
    "found": 1,
    "registered": ("Active", False),
    "rating": "A",
}
UNKNOWN: Seen = {"status": ("Failed", "Failed"), "found": 0, "registered": None}
SEVERAL: Seen = {
    "status": ("TooManyResults", "TooManyResults"),
    "picklists": (3, 3),
    "found": 3,
    "registered": None,
}
NO_CREDITS = "Insufficient credits."
COMPANIES: dict[str, Seen] = {
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
# What is not to be seen of a company.
UNSEEN = {
    "several matches": {"rating"},
    "not registered": {"rating"},
    "no credits": {"status", "picklists", "found", "registered", "rating"},
}
HARMLESS: Seen = {
    "matches": (0, 0),
    "identity": ("Complete", "Approved"),
    "integrity": {"Pass"},
    "payslips": ("Complete", ["Pass", "Pass"]),
}
PERSONS: dict[str, Seen] = {
    "sanctions hit": {"matches": (2, 5)},
    "politically exposed": {"matches": (1, 0)},
    "adverse media": {"matches": (0, 4)},
    "declined identity": {"identity": ("Complete", "Declined")},
    "blurred identity": {"identity": ("Complete", "ResubmissionRequested")},
    "expired identity": {"identity": ("Expired", "NotCompleted")},
    "failed identity": {"identity": ("Failed", None)},
    "tampered statement": {"integrity": {"Pass", "Fail"}},
    "incomplete payslips": {"payslips": ("Failed", ["Pass", "Fail"])},
    "no credits": {"identity": NO_CREDITS},
}
FILES = {name: PERSONS[name] for name in ("tampered statement", "incomplete payslips")}
BY_NAME = {one.name: one for one in CATALOGUE}


def test_each_scenario_of_the_catalogue_is_shown_below() -> None:
    """By all that chooses it."""
    for one in CATALOGUE:
        assert (one.company_number is not None) == (one.company_name is not None)
        assert (one.company_name is not None) == (one.name in COMPANIES)
        assert (one.person is not None) == (one.name in PERSONS)
        assert (one.file_name is not None) == (one.name in FILES)
        assert one.about


@pytest.mark.anyio
@pytest.mark.parametrize("by", ["company_number", "company_name"])
@pytest.mark.parametrize("name", COMPANIES)
async def test_what_comes_of_a_company(name: str, by: str) -> None:
    """Its number chooses the scenario as its name does, and all else is as it always is."""
    scenario = BY_NAME[name]
    assert scenario.company_name
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            if by == "company_number":
                company = await company_of(sikoia, number=scenario.company_number)
            else:
                company = await company_of(sikoia, f" {scenario.company_name.upper()} ")
            seen = await seen_of_company(sikoia, company)

    unseen = UNSEEN.get(name, set[str]())
    if by == "company_number":
        # A search knows no numbers.
        unseen = {*unseen, "found"}
        seen.pop("found", None)
    expected = SOUND | COMPANIES[name]
    assert seen == {key: value for key, value in expected.items() if key not in unseen}


@pytest.mark.anyio
@pytest.mark.parametrize("name", PERSONS)
async def test_what_comes_of_a_person(name: str) -> None:
    """The full name chooses the scenario, which is that of the person's documents too."""
    person = BY_NAME[name].person
    assert person
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            seen = await seen_of_person(sikoia, await person_of(sikoia, person.upper()))

    assert seen == HARMLESS | PERSONS[name]


@pytest.mark.anyio
@pytest.mark.parametrize("name", FILES)
async def test_what_comes_of_a_file(name: str) -> None:
    """Whoever it is about."""
    file_name = BY_NAME[name].file_name
    assert file_name
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            person = await person_of(sikoia, "Wilma Example")
            seen = await seen_of_person(sikoia, person, file_name)

    assert seen == HARMLESS | FILES[name]


@pytest.mark.anyio
async def test_whoever_is_in_no_scenario_is_unremarkable() -> None:
    """Also where the words of scenarios are in the name."""
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            companies = [
                await company_of(sikoia, "Several Insolvent Sanction Nowhere Ltd", "00000009"),
                await company_of(sikoia),
            ]
            person = await person_of(sikoia, "Pepita Declined-Expired")
            seen = [await seen_of_company(sikoia, one) for one in companies]
            of_person = await seen_of_person(sikoia, person, "a-tampered.pdf")

    assert seen == [SOUND, SOUND]
    assert of_person == HARMLESS


@pytest.mark.anyio
async def test_a_company_is_found_by_its_name_alone() -> None:
    """The one that there is has a number, that of its scenario if there is one."""
    own = Scenario(name="mine", company_name="Mine", company_number="7")
    with MemorySandbox(scenarios=[own]) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia)
            numbers = [
                (
                    await resource.request(company_id=company.company_id, company_name=name)
                ).company_number
                for resource in (sikoia.company_registry, sikoia.credit_reports)
                for name in ("mine", "Other Example", "Solvent Example Ltd")
            ]
            (match,) = await sikoia.company_registry.search(company_name="mine", country_code="GB")

    assert (numbers[0], numbers[2], numbers[3], numbers[5]) == ("7", "99000001", "7", "99000001")
    assert all(numbers)
    assert (match.company_name, match.company_number) == ("Mine", "7")


@pytest.mark.anyio
async def test_a_company_that_was_picked_is_another_one() -> None:
    """Asked for in its turn it is found, and the register says what the picklist did."""
    scenario = Scenario(name="crowd", company_name="Crowd", matches=5)
    with MemorySandbox(scenarios=[scenario]) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Crowd")
            registry = sikoia.company_registry
            asked = await registry.request(company_id=company.company_id)
            found = list[Any]()
            for match in asked.picklist or ():
                picked = await asked.resolve(match)
                one = await company_of(sikoia, match.company_name or "", match.company_number)
                again = await registry.request(company_id=one.company_id)
                for request in (picked, again):
                    data = (await registry.retrieve(request.request_id)).data
                    assert data
                    found.append((data.company_name, data.company_number, data.status))
                seen = await seen_of_company(sikoia, one)
                assert seen["registered"] == (match.company_status, match.index == 5)

    statuses = ["Active"] * 4 + ["Closed"]
    assert [match.company_status for match in asked.picklist or ()] == statuses
    assert [match.company_name for match in asked.picklist or ()] == [
        "Crowd Holdings Ltd",
        "Crowd Services Ltd",
        "Crowd Trading Ltd",
        "Crowd 4 Ltd",
        "Crowd 5 Ltd",
    ]
    assert len({match.company_number for match in asked.picklist or ()}) == 5
    assert found == [
        (match.company_name, match.company_number, match.company_status)
        for match in asked.picklist or ()
        for _ in range(2)
    ]


@pytest.mark.anyio
async def test_a_search_for_what_is_active_leaves_the_closed_out() -> None:
    """Where nothing is left, nothing was found."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            search = sikoia.company_registry.search
            name = "Closed Example Ltd"
            found = await search(company_name=name, country_code="GB")
            active = await search(company_name=name, country_code="GB", exclude_inactive=True)

    assert (len(found), found.response.status) == (1, 200)
    assert (len(active), active.response.status) == (0, 404)


@pytest.mark.anyio
async def test_another_name_in_a_request_is_another_company() -> None:
    """Then the number of the company does not count, whatever is asked for."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            offline = (await company_of(sikoia, number="99000006")).company_id
            unknown = (await company_of(sikoia, number="99000004")).company_id
            name = "Other Example Ltd"
            online = await sikoia.online_data.request(offline, company_name=name)
            asked = await sikoia.company_registry.request(company_id=unknown, company_name=name)
            credit = await sikoia.credit_reports.request(company_id=unknown, company_name=name)

    assert [one.status for one in (online, asked, credit)] == ["Complete"] * 3


@pytest.mark.anyio
async def test_the_providers_own_id_means_one_company() -> None:
    """However many have its name."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Several Example Ltd")
            asked = await sikoia.credit_reports.request(
                company_id=company.company_id, provider_id="GB-1"
            )

    assert (asked.status, asked.picklist) == ("Complete", ())


@pytest.mark.anyio
async def test_what_is_picked_may_have_a_scenario() -> None:
    """Credits may end between the list and the choice, for both kinds of picklists."""
    crowd = Scenario(name="crowd", company_name="Crowd", matches=2)
    dear = Scenario(name="dear", company_name="Crowd Services Ltd", credits=False, matches=0)
    with MemorySandbox(scenarios=[crowd, dear]) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Crowd")
            for resource in (sikoia.company_registry, sikoia.credit_reports):
                asked = await resource.request(company_id=company.company_id)
                assert (await asked.resolve(1)).status == "Complete"
                with pytest.raises(InsufficientPermissionsError, match="Insufficient credits"):
                    await asked.resolve(2)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "status", "decision"),
    [("Pass", "Complete", "Pass"), ("Refer", "Complete", "Refer"), ("Fail", "Failed", "Fail")],
)
async def test_the_worst_decision_on_payslips_counts(said: Any, status: str, decision: str) -> None:
    """One file has a scenario of its own, and one that says nothing leaves it to the other."""
    odd = Scenario(name="odd", file_name="odd.pdf", payslips=said)
    good = Scenario(name="good", file_name="good.pdf", payslips="Pass")
    with MemorySandbox(scenarios=[odd, good], work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            person = await person_of(sikoia, "Wilma Example")
            for file_name in ("good.pdf", "odd.pdf", "plain.pdf"):
                await sikoia.documents.upload(
                    person, _PDF, document_type="Payslip", file_name=file_name
                )
            kinds = [one for one in await sikoia.checks.types() if one.entity_type == "person"]
            check = await (await sikoia.checks.run(person, kinds[0].validation_type_id))

    assert check.status == status
    assert [rule.decision for rule in check.rules or ()] == ["Pass", decision]


@pytest.mark.anyio
async def test_a_search_for_a_name_finds_whoever_is_called_so() -> None:
    """Whatever it is about: a case, a company, and another person."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Sanctioned Example Ltd")
            person = await person_of(sikoia, "Petra Politician")
            case = Entity("case", next(iter(sandbox.state.cases)))
            search = sikoia.screening.search_peps_sanctions
            found = [
                (await search(about, search_term=term)).total_matches
                for about in (case, company, person)
                for term in ("Petra Politician", "SANCTIONED example ltd", "Nobody")
            ]

    assert found == [1, 2, 0] * 3


@pytest.mark.anyio
async def test_a_case_that_looks_companies_up_knows_scenarios() -> None:
    """What is not registered is added as it was sent, and without directors."""
    found = list[Company]()
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
                found.extend(case.companies or ())
                assert bool(case.persons) == (number != "99000004")

    assert [one.status for one in found] == ["Active", "unknown", "Closed"]


@pytest.mark.anyio
@pytest.mark.parametrize("owned", ["case", "company"])
async def test_a_document_of_nobody_has_the_scenario_of_its_file(owned: str) -> None:
    """Cases and companies have none for their documents."""
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            company = await company_of(sikoia, "Insolvent Example Ltd")
            (case_id,) = sandbox.state.cases
            about = company if owned == "company" else Entity("case", case_id)
            names = ("incomplete-payslip.pdf", "some.pdf")
            for file_name in names:
                await sikoia.documents.upload(
                    about, _PDF, document_type="Payslip", file_name=file_name
                )
            kinds = [one for one in await sikoia.checks.types() if one.entity_type == owned]
            check = await (await sikoia.checks.run(about, kinds[0].validation_type_id))

    assert [rule.decision for rule in check.rules or ()] == ["Pass", "Fail"]


def test_own_scenarios_go_before_those_of_the_catalogue() -> None:
    """Even one by name before one by number; and one of the same name replaces it."""
    by_name = Scenario(name="mine", company_name="Odd Ltd", adverse_media=1)
    replaced = Scenario(name="insolvent company", company_number="1", solvent=False)
    found = Scenarios([by_name, replaced])

    assert len(found) == len(CATALOGUE) + 1
    assert [*found][:3] == [by_name, replaced, CATALOGUE[0]]
    assert found.of_company("99000003", "ODD LTD") is by_name
    assert found.of_company("99000003", "Even Ltd").name == "several matches"
    assert found.of_company("99000002", "Insolvent Example Ltd").solvent


def test_the_number_goes_before_the_name() -> None:
    """And the file before the person."""
    found = Scenarios()
    person = {"person_id": "1", "first_name": " Tamara ", "last_name": " Tampered "}

    assert found.of_company("99000002", "Several Example Ltd").name == "insolvent company"
    assert found.of_document("incomplete-payslip.pdf", person).name == "incomplete payslips"
    assert found.of_document("other.pdf", person).name == "tampered statement"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"company_number": "7"}, {"company_number": " 7 "}),
        ({"company_name": "A Ltd"}, {"company_name": "a ltd", "company_number": "8"}),
        ({"person": "Wilma Example"}, {"person": "WILMA EXAMPLE"}),
        ({"file_name": "a.pdf"}, {"file_name": "A.PDF"}),
    ],
)
def test_two_that_are_chosen_by_the_same_are_refused(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """The message names both, and what they have in common, but not its value."""
    (field,) = first
    pair = [Scenario(name="one", **first), Scenario(name="other", **second)]

    with pytest.raises(ValueError, match=f"the same {field} chooses both 'one' and 'other'"):
        create_app(scenarios=pair)


def test_two_of_the_same_name_are_refused() -> None:
    """Nobody could tell them apart."""
    pair = [Scenario(name="one", person="A"), Scenario(name="one", person="B")]

    with pytest.raises(ValueError, match="two scenarios are called 'one'"):
        create_app(scenarios=pair)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": " "}, "name: give a text that is not empty"),
        ({"name": "two\nlines"}, "name: give one line"),
        ({"name": 7}, "name: give a text"),
        ({"about": "two\nlines"}, "about: give one line"),
        ({"about": None}, "about: give a text"),
        ({"company_name": ""}, "company_name: give a text that is not empty"),
        ({"person": "two\tparts"}, "person: give one line"),
        ({"company_name": "A", "matches": -1}, "matches: give a number from 0 to 1000"),
        ({"company_name": "A", "matches": 1001}, "matches: give a number from 0 to 1000"),
        ({"company_name": "A", "matches": True}, "matches: give a whole number"),
        ({"company_name": "A", "solvent": 0}, "solvent: give true or false"),
        ({"adverse_media": 1.0}, "adverse_media: give a whole number"),
        ({"identity": "Refused"}, "identity: give one of 'Approved', 'Declined', "),
        ({"identity": True}, "identity: give one of "),
        ({"payslips": "Failed"}, "payslips: give one of 'Pass', 'Refer', 'Fail'"),
        ({"solvent": False}, "solvent: this needs one of company_number, company_name"),
        ({"integrity": "Fail", "person": None, "company_name": "A"}, "integrity: this needs one "),
        ({"person": None}, "say what chooses it: company_number, company_name, person, file_name"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(fields: dict[str, Any], complaint: str) -> None:
    """When it is made; the message begins with the field."""
    given_fields: dict[str, Any] = {"name": "mine", "person": "Wilma Example", **fields}
    with pytest.raises(ValueError, match=f"^{complaint}"):
        Scenario(**given_fields)


@pytest.mark.parametrize("wrong", ["shop.toml", b"bytes", Path("path"), [7], [None]])
def test_only_a_list_is_taken(wrong: Any) -> None:
    """A path alone would be a list of letters."""
    with pytest.raises(ValueError, match="scenarios: give a list"):
        create_app(scenarios=wrong)


def test_a_scenario_says_what_happens() -> None:
    """In words, or else by the names of its fields; and what chooses it."""
    one = Scenario(name="a", company_name="A Ltd", company_number="7", matches=0, online=False)
    told = Scenario(name="b", person="Wilma Example", about="Nothing.", peps_sanctions=1)

    assert (one.what, one.chosen_by) == ("matches=0, online=False", "7 or A Ltd")
    assert (told.what, told.chosen_by) == ("Nothing.", "Wilma Example")


def test_the_page_lists_the_catalogue() -> None:
    """All of it, in its words."""
    rows = [
        tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|"))
        for line in _PAGE.read_text(encoding="utf-8").partition("| scenario |")[2].splitlines()
        if line.startswith("| ")
    ]

    listed = [(one.name, one.chosen_by, one.about) for one in CATALOGUE]
    assert rows[: len(listed)] == listed
    # The next table is another one.
    assert len(rows[len(listed)]) == 2


def test_the_table_is_aligned() -> None:
    """Columns begin where they begin in each line."""
    lines = [*Scenarios([Scenario(name="a", person="B C", identity="Failed")]).table()]

    assert lines[0] == f"{'a':19}  {'B C':55}  identity='Failed'"
    assert len(lines) == len(CATALOGUE) + 1
    for line, one in zip(lines[1:], CATALOGUE, strict=True):
        assert (line[:19].strip(), line[21:76].strip(), line[78:]) == (
            one.name,
            one.chosen_by,
            one.about,
        )


@given(
    st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip()),
    st.sampled_from(["", " ", "\t\n"]),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_case_and_space_do_not_matter(name: str, space: str, written: Callable[[str], str]) -> None:
    """To a person's name, and to nothing but itself."""
    scenario = Scenario(name="mine", company_name=name)
    found = Scenarios([scenario])
    given_as = written(name) if written(name).casefold() == name.casefold() else name

    assert found.of_company(None, f"{space}{given_as}{space}") is scenario
    assert found.of_company(None, f"{name}x") is not scenario
    assert found.of_company("", "").name == "ordinary"


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()))
def test_a_value_fits_its_own_type_only(value: Any) -> None:
    """But a whole number is a number too."""
    for kind in (bool, int, float, str, bytes, type(None)):
        is_whole = kind is float and type(value) is int
        assert is_fit(kind, value) == (is_whole or type(value) is kind)


@pytest.mark.parametrize("make", [Sandbox, MemorySandbox])
def test_a_sandbox_tells_its_scenarios(make: type[Sandbox]) -> None:
    """Its own first, then those that are always there; a snapshot does not change them."""
    mine = Scenario(name="mine", person="Wilma Example", identity="Declined")
    with make(scenarios=[mine]) as sandbox:
        before = sandbox.snapshot()
        sandbox.restore(before)
        sandbox.reset()

        assert [*sandbox.scenarios] == [mine, *CATALOGUE]


@pytest.mark.anyio
async def test_a_closed_company_stays_closed_in_a_snapshot() -> None:
    """What a picklist has told is remembered, and forgotten at a reset."""
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
