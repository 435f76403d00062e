"""Calls every method of every resource, for cassettes to record and to replay."""

from collections.abc import Callable
from datetime import date
from typing import Any

from sikoia_async import NewAddress, NewCompany, NewPerson, Sikoia, errors
from sikoia_async.resources.cases import CaseOwner, Company, CompanyUpdate, Person, PersonUpdate

__all__ = ["PERSONAL", "walk"]

PERSONAL = (
    *("Wilhelmina", "Flintrock", "wilma@flintrock.example", "1985-06-12", "Quarryville Gravel"),
    *("Cobblestone Lane", "Bedrockton", "BR4 9CK", "customer-0815", "Mortgage-for-Wilma"),
    *("statement-of-wilma.pdf", "callback-of-wilma", "a-query-of-ours"),
)
"""Personal data in the requests of the walk."""
_WILMA = NewPerson(
    first_name="Wilhelmina",
    last_name="Flintrock",
    email="wilma@flintrock.example",
    date_of_birth=date(1985, 6, 12),
    employer="Quarryville Gravel",
    reference_person_id="customer-0815",
    postal_address=NewAddress(
        address_line_1="Cobblestone Lane", city="Bedrockton", post_code="BR4 9CK"
    ),
)
_ACME = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")


async def walk(sikoia: Sikoia, log: Callable[[str], None]) -> list[Any]:
    """Call each method of each resource and return all results. `log` fills a webhook's log."""
    found = list[Any]()
    case = await sikoia.cases.create(
        name="Mortgage-for-Wilma",
        case_type="Consumer",
        reference="customer-0815",
        persons=[_WILMA],
        companies=[_ACME],
    )
    [person], [company] = case.persons, case.companies
    found += [case, *await _cases(sikoia, case.case_id, person, company)]
    found += await _documents(sikoia, person)
    found += await _banking(sikoia, person)
    found += await _insights(sikoia, person)
    found += await _checks(sikoia, person)
    found += await _companies(sikoia, company)
    found += await _people(sikoia, person)
    found += await _webhooks(sikoia, log)
    await sikoia.cases.delete(case.case_id)
    return found


async def _cases(sikoia: Sikoia, case_id: str, person: Person, company: Company) -> list[Any]:
    cases, users = sikoia.cases, await sikoia.users.list()
    owner = CaseOwner(owner_id=users[0].user_id, owner_type="User")
    update = PersonUpdate(person_id=person.person_id, employer="Quarryville Gravel")
    named = CompanyUpdate(company_id=company.company_id, company_name="Acme Works Ltd")
    more = await cases.add_entities(case_id, persons=[_WILMA, _WILMA])
    gone = [one.person_id for one in more.persons if one.person_id != person.person_id]
    with_filter = await cases.list(
        case_type=["Consumer", "Business"], keyword="a-query-of-ours", owner_id=users[0].user_id
    )
    return [
        users,
        more,
        with_filter,
        await cases.update(case_id, description="Mortgage-for-Wilma", ownership=[owner]),
        await cases.update_entities(case_id, persons=[update], companies=[named]),
        await cases.remove_entities(case_id, persons=gone),
        await cases.list(),
        await cases.retrieve(case_id),
    ]


async def _documents(sikoia: Sikoia, person: Person) -> list[Any]:
    documents = sikoia.documents
    kinds: Any = ("BankStatement", "Payslip", "SA302", "TaxOverview", "Other")
    made = [
        await documents.upload(
            person, b"%PDF-1.7", file_name="statement-of-wilma.pdf", document_type=kind
        )
        for kind in kinds
    ]
    one = await documents.retrieve(made[0].document_id)
    await documents.delete(made[-1].document_id)
    return [
        *made,
        one,
        await sikoia.download(one.document_uri),
        await documents.list(person),
        await documents.integrity_checks(person),
        await documents.integrity_check(made[0].document_id),
        await sikoia.data_sources.list(person),
    ]


async def _banking(sikoia: Sikoia, person: Person) -> list[Any]:
    banking = sikoia.banking
    connected = await banking.connect(person, country_code="GB")
    spare = await banking.connect(person)
    await banking.disconnect(spare.bank_connection_id)
    accounts = await banking.accounts(person)
    found: list[Any] = [
        connected,
        await banking.connection(connected.bank_connection_id),
        await banking.connections(person, completed=True),
        accounts,
    ]
    for account in accounts:
        found += [
            await banking.account(account.account_connection_id),
            await banking.balances(account.account_connection_id),
            await banking.transactions(account.account_connection_id),
        ]
        if account.source == "OpenBanking":
            found.append(await banking.refresh(account.account_connection_id))
    return found


async def _insights(sikoia: Sikoia, person: Person) -> list[Any]:
    income, affordability = sikoia.income, sikoia.affordability
    earned = await (await income.request(person))
    afforded = await (await affordability.request(person))
    return [
        earned,
        afforded,
        await income.list(person),
        await affordability.list(person),
        await income.details(earned.request_id),
        await affordability.monthly_transactions(afforded.request_id),
        await affordability.transactions(afforded.request_id),
        await income.retrieve(earned.request_id),
        await affordability.retrieve(afforded.request_id),
    ]


async def _checks(sikoia: Sikoia, person: Person) -> list[Any]:
    found: list[Any] = [await sikoia.checks.types()]
    for kind in found[0]:
        if kind.entity_type == "person":
            check = await (await sikoia.checks.run(person, kind.validation_type_id))
            found += [
                check,
                await sikoia.checks.run_with_income(person, kind.validation_type_id),
                await sikoia.checks.retrieve(check.validation_instance_id),
            ]
    return [*found, await sikoia.checks.list(person)]


async def _companies(sikoia: Sikoia, company: Company) -> list[Any]:
    found = list[Any]()
    for resource in (sikoia.company_registry, sikoia.credit_reports):
        for name in ("Acme Ltd", "Several Example Ltd"):
            requested = (
                await resource.request(company, company_name=name, country_code="GB")
            ).first
            report = await resource.retrieve(requested.request_id)
            found += [requested, report]
            for item in (report.picklist or ())[:2]:
                found.append((await resource.resolve_picklist(requested, item)).first)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        found.append(await resource.list(company.company_id))
    online = (await sikoia.online_data.request(company.company_id)).first
    return [
        *found,
        await sikoia.company_registry.search(company_name="Placeholder", country_code="GB"),
        online,
        await sikoia.online_data.list(company.company_id),
        await sikoia.online_data.retrieve(online.request_id),
        await sikoia.reports.excel(company),
    ]


async def _people(sikoia: Sikoia, person: Person) -> list[Any]:
    identity, screening = sikoia.identity, sikoia.screening
    verified = await (await identity.request(person.person_id, country_code="GB"))
    born = date(1985, 6, 12)
    return [
        verified,
        await identity.list(person.person_id, complete=True),
        await identity.retrieve(verified.request_id),
        await screening.search_peps_sanctions(person, search_term="Flintrock", birth_date=born),
        await screening.search_adverse_media(person, search_term="Flintrock", fuzziness=0.5),
        await screening.list_peps_sanctions(person),
        await screening.list_adverse_media(person),
    ]


async def _webhooks(sikoia: Sikoia, log: Callable[[str], None]) -> list[Any]:
    webhooks = sikoia.webhooks
    kinds = await webhooks.event_types()
    created = await webhooks.create(
        webhook_name="All",
        webhook_callback_url="https://127.0.0.1/callback-of-wilma?sig=a-query-of-ours",
        event_types=["DocumentProcessing.Completed"],
    )
    one = created.webhook_id
    log(one)
    found = [
        kinds,
        created,
        await webhooks.list(),
        await webhooks.retrieve(one),
        await webhooks.update(one, external_ref="ours"),
        [request async for request in webhooks.log(one, event_status="Complete")],
        await webhooks.create_secret(),
        await webhooks.retrieve_secret(),
        await webhooks.rotate_secret(),
    ]
    await webhooks.delete_secret()
    await webhooks.delete(one)
    with_errors = await _refused(sikoia, one)
    return [*found, *with_errors]


async def _refused(sikoia: Sikoia, webhook_id: str) -> list[Any]:
    """Retrieve a webhook that does not exist, because errors are recorded too."""
    try:
        await sikoia.webhooks.retrieve(webhook_id)
    except errors.ResourceNotFoundError as error:
        return [(error.status, error.type, error.title)]
    raise AssertionError
