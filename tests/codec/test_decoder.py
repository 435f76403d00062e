"""An answer becomes a model or an error."""

from decimal import Decimal
from types import NoneType
from typing import Any

import attrs
import httpx
import pytest

from sikoia_async._codec.decoder import check_into, decode
from sikoia_async._codec.drift import Drift
from sikoia_async._transport.exchange import Response
from sikoia_async.errors import CallInfo, ConfigurationError, UnexpectedResponseError
from sikoia_async.models import Items
from sikoia_async.resources.users import Role, User

CANARY = "canary"
CALL = CallInfo(
    method="GET",
    path="/v2/users",
    url="https://api.sikoia.com/v2/users",
    correlation_id="received-1",
    sent_correlation_id="sent-1",
    attempts=(),
    seconds=0.5,
)
USER = b'{"user_id": "1", "roles": [{"name": "Admin"}]}'


def answer(
    body: bytes, status: int = 200, media: str = "application/json", broken: str | None = None
) -> Response:
    """Make an answer."""
    return Response(status, httpx.Headers({"content-type": media}), body, broken)


def refused(given: Response, into: Any = User, call: CallInfo = CALL) -> UnexpectedResponseError:
    """Decode an answer that breaks the API's promise, and return the error."""
    with pytest.raises(UnexpectedResponseError) as caught:
        decode(given, into, call, Drift())
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_object_becomes_a_model(status: int) -> None:
    """A model knows the answer that it came in; its parts do not."""
    user = decode(answer(USER, status), User, CALL, Drift())

    assert user == User(user_id="1", roles=(Role(name="Admin"),))
    assert (user.response.status, user.response.correlation_id) == (status, "received-1")
    assert attrs.asdict(user.response) == attrs.asdict(CALL) | {"status": status, "unread": {}}
    assert not any(hasattr(role, "response") for role in user.roles or ())


@pytest.mark.parametrize("into", [User, Items[User]])
def test_what_could_not_be_read_is_with_the_answer(into: Any) -> None:
    """The answer keeps a text that is no date; its repr shows where it was, and not what."""
    body = b'{"user_id": "1", "account_date_created": "canary"}'
    is_list = into is not User

    found = decode(answer(b"[" + body + b"]" if is_list else body), into, CALL, Drift())

    path = "$[0].account_date_created" if is_list else "$.account_date_created"
    assert found.response.unread == {path: "canary"}
    assert path in repr(found.response)
    assert CANARY not in repr(found.response)


def test_an_array_becomes_items() -> None:
    """A list and each of its models know the answer that they came in."""
    users = decode(answer(b"[" + USER + b"," + USER + b"]"), Items[User], CALL, Drift())

    assert (type(users), len(users)) == (Items, 2)
    assert {id(one.response) for one in users} == {id(users.response)}
    assert users.response.status == 200


def test_an_empty_array_has_an_answer() -> None:
    """A list without entries still knows its answer."""
    assert decode(answer(b"[]"), Items[User], CALL, Drift()).response.path == "/v2/users"


@attrs.frozen
class Own:
    """A class that a user wrote, without our base."""

    user_id: str


@pytest.mark.parametrize(
    ("into", "body", "expected"),
    [
        (object, b'{"a": [1, 0.1]}', {"a": [1, Decimal("0.1")]}),
        (object, b"null", None),
        (bytes, b"\x00\xff", b"\x00\xff"),
        (bytes, b"", b""),
        (NoneType, b"", None),
        (NoneType, b"<html>", None),
        (Own, b'{"user_id": 1, "more": 2}', Own("1")),
        (Items[Own], b'[{"user_id": "1"}]', (Own("1"),)),
        (dict[str, Any], b'{"a": 1}', {"a": 1}),
        (list[Own], b'[{"user_id": "1"}]', [Own("1")]),
    ],
    ids=str,
)
def test_answers_become_what_is_asked_for(into: Any, body: bytes, expected: Any) -> None:
    """Plain JSON, bytes, nothing, a user's class: each takes the body in its way."""
    check_into(into)

    assert decode(answer(body), into, CALL, Drift()) == expected


@pytest.mark.parametrize(
    ("given", "into", "words"),
    [
        (answer(b"<html>canary</html>", media="text/html; charset=utf-8"), User, "(text/html)"),
        (answer(b""), User, "it is empty"),
        (answer(b""), Items[User], "no list of User: it is empty"),
        (answer(b'{"user_id": "canary'), User, "not valid JSON"),
        (answer(b'{"user_id": ["canary"]}'), User, "expected str @ $.user_id"),
        (answer(b'{"canary": 1}'), User, "required, and missing @ $.user_id"),
        (
            answer(b'{"user_id": "canary"}'),
            Items[User],
            "no list of User: expected another type @ $",
        ),
        (answer(b'[{"user_id": "canary"}]'), User, "no User: expected another type @ $"),
        (answer(b'["canary"]'), Items[User], "expected User @ $[0] (GET"),
        (answer(USER, 302), User, "never followed"),
        (answer(b"canary", 307), bytes, "never followed"),
        (answer(b"", 103), NoneType, "never followed"),
        (answer(USER, broken="the gzip body was cut short"), User, "cut short"),
        (answer(b"", broken="the gzip body was cut short"), bytes, "cut short"),
    ],
    ids=[
        "html",
        "empty",
        "empty list",
        "cut",
        "wrong type",
        "missing",
        "no list",
        "list",
        "wrong entry",
        "redirect",
        "redirected bytes",
        "early hints",
        "cut gzip",
        "cut bytes",
    ],
)
def test_broken_promises_are_errors(given: Response, into: Any, words: str) -> None:
    """Whatever is wrong with an answer, it is kept whole, and its text shows no value."""
    error = refused(given, into)

    assert words in str(error)
    assert CANARY not in str(error)
    assert (error.status, error.body) == (given.status, given.body)
    assert (error.correlation_id, error.call) == ("received-1", CALL)
    assert error.__cause__ is None or CANARY not in str(error.__cause__)


def test_all_problems_are_kept_and_some_shown() -> None:
    """The text shows five problems and how many more there are; the error has them all."""
    error = refused(answer(b"[" + b",".join([b'{"email": 1}'] * 7) + b"]"), Items[User])

    assert [f"required, and missing @ $[{at}].user_id" for at in range(7)] == list(error.problems)
    assert "$[4].user_id; and 2 more (GET /v2/users" in str(error)


@pytest.mark.parametrize(("method", "maybe"), [("GET", False), ("POST", True), ("DELETE", True)])
def test_an_odd_answer_may_come_after_the_deed(method: str, *, maybe: bool) -> None:
    """A change that was answered strangely may have been made."""
    error = refused(answer(b"{"), call=attrs.evolve(CALL, method=method))

    assert error.may_have_been_processed is maybe


def test_what_is_repaired_is_counted() -> None:
    """An answer that differs from what is known is decoded, and each difference counted."""
    drift = Drift()
    body = b'{"user_id": 7, "colour": "red", "email": null, "account_date_created": ""}'

    user = decode(answer(body), User, CALL, drift)

    assert user == User(user_id="7")
    assert drift == {
        "User.user_id: expected str, got another type": 1,
        "User.colour: unknown field": 1,
        "User.account_date_created: expected null, got an empty string": 1,
    }


@pytest.mark.parametrize(
    "into", [User, Items[User], Own, list[User], tuple[User, ...], object, bytes, NoneType, dict]
)
def test_what_an_answer_can_become_is_taken(into: Any) -> None:
    """A type that answers can become is not complained about."""
    check_into(into)


@pytest.mark.parametrize("into", ["User", open, 5, [User], {"user_id": str}], ids=str)
def test_what_no_answer_can_become_is_refused(into: Any) -> None:
    """A mistake in `into` is told before a call that costs money is made."""
    with pytest.raises(ConfigurationError, match=r"^into: give an attrs class"):
        check_into(into)


def test_no_body_is_nothing_where_the_answer_is_open() -> None:
    """Where no type was named, an answer without a body is None: a 204, say."""
    assert decode(answer(b""), object, CALL, Drift()) is None


def test_open_numbers_never_pass_through_float() -> None:
    """A fraction is a Decimal in plain Python too, whichever way it was asked for."""
    body = answer(b'{"amount": 1.1}')

    assert decode(body, object, CALL, Drift()) == {"amount": Decimal("1.1")}
    assert decode(body, dict[str, Any], CALL, Drift()) == {"amount": Decimal("1.1")}


@pytest.mark.parametrize(
    ("media", "shown"),
    [
        ("text/html; charset=utf-8", " (text/html)"),
        ("application/problem+json", " (application/problem+json)"),
        ("application/json", ""),
        ("", ""),
        ("canary", ""),
        ("canary Zyx/html", ""),
        (f"text/{'x' * 1000}", ""),
    ],
)
def test_a_media_type_is_shown_if_it_is_one(media: str, shown: str) -> None:
    """It is somebody's text, and not repeated whatever it is."""
    error = refused(answer(b"x", media=media))

    assert str(error).startswith(f"200 with a body{shown} that is no User: not valid JSON")
