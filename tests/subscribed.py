"""A subscription to webhooks, and a person whose work sends events."""

from sikoia_async import NewPerson, Sikoia
from sikoia_async.resources.cases import Person
from sikoia_async.webhooks.events import WebhookEventName

__all__ = ["subscribed_person"]


async def subscribed_person(
    sikoia: Sikoia, event_type: WebhookEventName, url: str = "https://127.0.0.1/webhooks"
) -> Person:
    """Subscribe a URL to events of a type, create a person, and return it."""
    await sikoia.webhooks.create(
        webhook_name="Tests", webhook_callback_url=url, event_types=[event_type]
    )
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
    return case.persons[0]
