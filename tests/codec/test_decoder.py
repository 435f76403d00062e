"""Responses become models or errors."""

from decimal import Decimal
from types import NoneType
from typing import Any, Final

import attrs
import httpx
import msgspec
import pytest

from sikoia_async._codec.decoder import check_into, decode
from sikoia_async._codec.drift import Drift
from sikoia_async._transport.types import Response
from sikoia_async.errors import CallInfo, ConfigurationError, UnexpectedResponseError
from sikoia_async.models import Items, Model
from sikoia_async.resources.banking import AccountTransactions
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


def response(
    body: bytes, status: int = 200, media: str = "application/json", broken: str | None = None
) -> Response:
    """Return a response."""
    return Response(status, httpx.Headers({"content-type": media}), body, broken)


def refused(given: Response, into: Any = User, call: CallInfo = CALL) -> UnexpectedResponseError:
    """Decode a response that does not fit, and return the error."""
    with pytest.raises(UnexpectedResponseError) as caught:
        decode(given, into, call, Drift())
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_object_becomes_a_model(status: int) -> None:
    """A model has the response it came in; nested models do not."""
    user = decode(response(USER, status), User, CALL, Drift())

    assert user == User(user_id="1", roles=(Role(name="Admin"),))
    assert (user.response.status, user.response.correlation_id) == (status, "received-1")
    assert attrs.asdict(user.response) == attrs.asdict(CALL) | {
        "status": status,
        "unread": {},
        "extra": None,
        "body": None,
    }
    assert not any(hasattr(role, "response") for role in user.roles or ())


@pytest.mark.parametrize("into", [User, Items[User]])
def test_unreadable_strings_are_kept_on_the_response(into: Any) -> None:
    """A string that is not a date is kept; the repr shows its path and not its value."""
    body = b'{"user_id": "1", "account_date_created": "canary"}'
    is_list = into is not User

    found = decode(response(b"[" + body + b"]" if is_list else body), into, CALL, Drift())

    path = "$[0].account_date_created" if is_list else "$.account_date_created"
    assert found.response.unread == {path: "canary"}
    assert path in repr(found.response)
    assert CANARY not in repr(found.response)


def test_an_array_becomes_items() -> None:
    """A list and each of its models have the response they came in."""
    users = decode(response(b"[" + USER + b"," + USER + b"]"), Items[User], CALL, Drift())

    assert (type(users), len(users)) == (Items, 2)
    assert {id(one.response) for one in users} == {id(users.response)}
    assert users.response.status == 200


def test_the_models_beside_other_items_have_a_response() -> None:
    """A caller's list may contain more than models."""
    body = b"[" + USER + b", null, " + USER + b"]"
    first, nothing, last = decode(response(body), Items[User | None], CALL, Drift())

    assert nothing is None
    assert first is not None
    assert last is not None
    assert last.response is first.response


def test_an_empty_array_has_a_response() -> None:
    """A list without items still has its response."""
    assert decode(response(b"[]"), Items[User], CALL, Drift()).response.path == "/v2/users"


@attrs.frozen
class Own:
    """A caller's class, without the base class of models."""

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
def test_a_response_is_decoded_into_any_type(into: Any, body: bytes, expected: Any) -> None:
    """Plain JSON, bytes, None and callers' classes are supported."""
    check_into(into)

    assert decode(response(body), into, CALL, Drift()) == expected


@pytest.mark.parametrize(
    ("given", "into", "words"),
    [
        (response(b"<html>canary</html>", media="text/html; charset=utf-8"), User, "(text/html)"),
        (response(b""), User, "the body is empty"),
        (response(b""), Items[User], "as a list of User: the body is empty"),
        (response(b'{"user_id": "canary'), User, "not valid JSON"),
        (response(b'{"user_id": ["canary"]}'), User, "expected str @ $.user_id"),
        (response(b'{"canary": 1}'), User, "required, and missing @ $.user_id"),
        (response(b'{"canary": 1}'), Items[User], "as a list of User: expected list @ $"),
        (response(b'[{"user_id": "canary"}]'), User, "as User: expected User @ $"),
        (response(b'["canary"]'), Items[User], "expected User @ $[0] (GET"),
        (response(USER, 302), User, "not followed"),
        (response(b"canary", 307), bytes, "not followed"),
        (response(b"", 103), NoneType, "not followed"),
        (response(USER, broken="the gzip body was cut short"), User, "cut short"),
        (response(b"", broken="the gzip body was cut short"), bytes, "cut short"),
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
def test_an_unexpected_response_is_an_error(given: Response, into: Any, words: str) -> None:
    """The error keeps the whole body, and its message shows no value."""
    error = refused(given, into)

    assert words in str(error)
    assert CANARY not in str(error)
    assert (error.status, error.body) == (given.status, given.body)
    assert (error.correlation_id, error.call) == ("received-1", CALL)
    assert error.__cause__ is None or CANARY not in str(error.__cause__)


def test_all_problems_are_kept_and_some_shown() -> None:
    """The message shows five problems and the number of others; the error has them all."""
    error = refused(response(b"[" + b",".join([b'{"email": 1}'] * 7) + b"]"), Items[User])

    assert [f"required, and missing @ $[{at}].user_id" for at in range(7)] == list(error.problems)
    assert "$[4].user_id; and 2 more (GET /v2/users" in str(error)


@pytest.mark.parametrize(("method", "maybe"), [("GET", False), ("POST", True), ("DELETE", True)])
def test_an_unexpected_response_may_follow_a_change(method: str, *, maybe: bool) -> None:
    """The request of an unreadable response may have been processed, unless it is a GET."""
    error = refused(response(b"{"), call=attrs.evolve(CALL, method=method))

    assert error.may_have_been_processed is maybe


def test_repairs_are_counted() -> None:
    """A response that differs from the model is decoded, and each difference is counted."""
    drift = Drift()
    body = b'{"user_id": 7, "colour": "red", "email": null, "account_date_created": ""}'

    user = decode(response(body), User, CALL, drift)

    assert user == User(user_id="7")
    assert drift == {
        "User.user_id: expected str, got another type": 1,
        "User.colour: unknown field": 1,
        "User.account_date_created: expected null, got an empty string": 1,
    }


@pytest.mark.parametrize(
    "into", [User, Items[User], Own, list[User], tuple[User, ...], object, bytes, NoneType, dict]
)
def test_types_that_can_be_decoded_are_accepted(into: Any) -> None:
    """Models, callers' classes, containers of them and plain JSON pass the check."""
    check_into(into)


@pytest.mark.parametrize("into", ["User", open, 5, [User], {"user_id": str}], ids=str)
def test_types_that_cannot_be_decoded_are_refused(into: Any) -> None:
    """A mistake in `into` is reported before a request that may cost money is sent."""
    with pytest.raises(ConfigurationError, match=r"^into: expected an attrs class"):
        check_into(into)


@attrs.frozen
class OwnModel(Model):
    """A caller's model with a field that models cannot have."""

    sizes: dict[str, int]


def test_a_field_that_models_cannot_have_is_named() -> None:
    """A caller's subclass of `Model` has the types of the SDK's models only."""
    with pytest.raises(ConfigurationError, match=r"^into: OwnModel\.sizes: a subclass of Model"):
        check_into(OwnModel)


def test_an_empty_body_is_none_for_plain_json() -> None:
    """Without a type, a response without a body, such as a 204, is None."""
    assert decode(response(b""), object, CALL, Drift()) is None


def test_open_numbers_never_pass_through_float() -> None:
    """A fraction is a Decimal in plain Python values as well."""
    body = response(b'{"amount": 1.1}')

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
def test_only_valid_media_types_are_shown(media: str, shown: str) -> None:
    """A header may contain anything, so it is not repeated unless it has the right form."""
    error = refused(response(b"x", media=media))

    assert str(error).startswith(f"200 response{shown} cannot be decoded as User: not valid JSON")


@pytest.mark.parametrize("into", [object, Items[User], dict[str, Any]])
def test_json_above_the_limit_is_refused(into: Any) -> None:
    """By its size, or by the number of its values; files are not affected."""
    given = response(b"[" + b",".join([USER] * 100) + b"]")

    with pytest.raises(
        UnexpectedResponseError, match=r"larger than 4,000 bytes; .* Limits\(max_json="
    ):
        decode(given, into, CALL, Drift(), max_json=4000)
    with pytest.raises(UnexpectedResponseError, match="more than 250 values") as caught:
        decode(given, into, CALL, Drift(), max_json=5000)
    assert caught.value.body == given.body
    assert decode(given, bytes, CALL, Drift(), max_json=1) == given.body
    assert decode(given, Items[User], CALL, Drift(), max_json=10_000)


_ROW: Final = b'{"description": "a", "merchant": {"merchant_name": "b"}, "odd": []}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"transactions": [%b]}' % b",".join([b"{}"] * 90_000),
        b'{"transactions": [%b]}' % b",".join([_ROW] * 50_000),
        b'{"transactions": [{"odd": [%b]}]}' % b",".join([b"{}"] * 90_000),
        b'{"odd": [%b], "transactions": [{}]}' % b",".join([b"{}"] * 90_000),
    ],
    ids=["empty", "fields", "one large row", "unknown"],
)
def test_what_takes_long_is_read_part_by_part(body: bytes) -> None:
    """The result is that of msgspec, and nothing counts as odd."""
    drift = Drift()
    found = decode(response(body), AccountTransactions, CALL, drift)

    assert found == msgspec.json.decode(body, type=AccountTransactions)
    assert found.response.unread == {}
