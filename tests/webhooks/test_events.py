"""Events: what is read from bodies whose format is not published."""

import decimal
import inspect
import json
import pickle
import sys
import traceback
import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from functools import partial
from typing import Any, get_args

import attrs
import pytest
from faults import assert_plain, chain
from hypothesis import example, given
from hypothesis import strategies as st

from sikoia_async.errors import (
    ArgumentTypeError,
    ConfigurationError,
    WebhookEventTypeError,
    WebhookPayloadError,
)
from sikoia_async.resources import webhooks
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.webhooks import (
    Event,
    UnknownEvent,
    WebhookEventName,
    events,
    from_request,
    parse,
    payload,
)

NAMES: tuple[WebhookEventName, ...] = get_args(WebhookEventName)
SPELLINGS = ("event_type", "eventType", "event_name", "eventName", "type", "event")
ENVELOPES = ("event", "data", "event_data", "eventData", "payload")
CANARY = "canary-value"
NOT_JSON = "is not JSON, or is nested too deeply"
DEEP = 3_000_000
"""More than the stack holds: since Python 3.14 nothing else limits what is skipped."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def written(value: Any, **options: Any) -> bytes:
    """Encode JSON as a sender might."""
    return json.dumps(value, **options).encode()


def refused(body: bytes, **options: Any) -> str:
    """Return the message with which a body is refused."""
    with pytest.raises(WebhookPayloadError) as caught:
        parse(body, **options)
    assert list(chain(caught.value)) == [caught.value]
    return str(caught.value)


# --- types


def test_the_names_are_those_of_the_resource() -> None:
    """Subscriptions and deliveries use the same names."""
    assert get_args(webhooks.WebhookEventName) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_its_class(name: WebhookEventName) -> None:
    """Its name is that of the event, without the dot."""
    event = parse(written({"event_type": name}))

    assert type(event).__name__ == name.replace(".", "")
    assert event.type == name
    assert events.event_class(name) is events.event_class(type(event)) is type(event)


def test_the_classes_have_the_vendors_hierarchy() -> None:
    """A specific event is an instance of its parents, so one handler can take all of them."""
    parents = {
        name.replace(".Completed", ""): {
            cls.__name__.removesuffix("ProcessingCompleted")
            for cls in inspect.getmro(events.event_class(name) or Event)[1:]
            if cls not in (Event, object)
        }
        for name in NAMES
        if name.endswith("Processing.Completed")
    }

    assert parents == {
        "DocumentProcessing": set(),
        "BankStatementProcessing": {"Document", "Banking"},
        "PayslipProcessing": {"Document"},
        "TaxOverviewProcessing": {"Document"},
        "BankingProcessing": set(),
        "OpenBankingProcessing": {"Banking"},
    }


def test_related_events_are_parents_and_children() -> None:
    """Neither the event itself, nor an event that only shares a child with it."""
    related = {
        cls.__name__: {other.__name__ for other in events.related(cls)}
        for cls in (
            events.BankStatementProcessingCompleted,
            events.BankingProcessingCompleted,
            events.IdentityVerificationExpired,
            UnknownEvent,
        )
    }

    assert related == {
        "BankStatementProcessingCompleted": {
            "DocumentProcessingCompleted",
            "BankingProcessingCompleted",
        },
        "BankingProcessingCompleted": {
            "BankStatementProcessingCompleted",
            "OpenBankingProcessingCompleted",
        },
        "IdentityVerificationExpired": set(),
        "UnknownEvent": set(),
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["PayslipProcessing.Completed", "Company.Dissolved"])
def test_the_name_may_be_in_several_fields(spelling: str, name: str) -> None:
    """At the top, or in what may be an envelope: Sikoia does not publish where it is."""
    cls = events.event_class(name) or UnknownEvent
    bodies: list[Any] = [{"a": 1, spelling: name}]
    bodies += [{"id": 1, envelope: {"a": [], spelling: name}} for envelope in ENVELOPES]

    for body in bodies:
        event = parse(written(body))
        assert (type(event), event.type) == (cls, name), body


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        7,
        "PayslipProcessing.Completed",
        [{"event_type": "PayslipProcessing.Completed"}],
        {"event_type": None},
        {"event_type": ""},
        {"type": "payslip"},
        {"type": 7},
        {"data": {"type": "Payslip", "event": {"id": 1}}},
        {"kind": "PayslipProcessing.Completed"},
        {"data": {"data": {"event_type": "PayslipProcessing.Completed"}}},
        {"data": [{"event_type": "PayslipProcessing.Completed"}]},
        {"data": "PayslipProcessing.Completed"},
        {"document": {"type": "PayslipProcessing.Completed"}},
    ],
    ids=repr,
)
def test_a_body_without_a_type_is_an_event(body: Any) -> None:
    """Any JSON is an event, and nothing of it is lost."""
    event = parse(written(body))

    assert type(event) is UnknownEvent
    assert event.type is None
    assert event.data == body
    assert type(parse(written(body), event_type=NAMES[1])).__name__ == NAMES[1].replace(".", "")


def test_a_known_name_is_preferred_to_a_likely_one() -> None:
    """`type` may be anything, such as a version."""
    body = {"event_type": "schema.v1", "type": "x.y", "data": {"eventName": NAMES[6]}}

    assert parse(written(body)).type == NAMES[6]
    assert parse(written({"event_type": "schema.v1", "type": "x.y"})).type == "schema.v1"


def test_the_name_in_the_api_s_own_spelling_is_preferred() -> None:
    """Whichever field is first, and however its value is written."""
    both = {"eventType": NAMES[6], "event_type": NAMES[7]}
    escaped = written({"event_type": NAMES[7]}).replace(b"I", b"\\u0049")

    assert parse(written(both)).type == NAMES[7]
    assert parse(written({**both, "event_type": "schema.v1"})).type == NAMES[6]
    assert b"\\u0049" in escaped
    assert parse(escaped).type == NAMES[7]


def test_a_signed_name_is_preferred_to_the_url() -> None:
    """A recorded delivery cannot be passed off as another event."""
    known, other, unknown = NAMES[6], NAMES[7], "Company.Dissolved"

    assert parse(written({"type": known}), event_type=other).type == known
    assert parse(written({"type": unknown}), event_type=other).type == unknown
    assert type(parse(written({"type": unknown}), event_type=other)) is UnknownEvent


@pytest.mark.parametrize("field", [*SPELLINGS, "EventType", "event-name", "EVENT"])
@pytest.mark.parametrize("named", ["Payment.Reversed", "PayslipProcessing.Failed", "a.b.c.d"])
def test_the_url_never_contradicts_the_signed_body(field: str, named: str) -> None:
    """A body that names an event of a new type is not handled as the one of its URL."""
    for body in ({field: named}, {"id": 1, "Data": {field: named}}):
        event = parse(written(body), event_type="PayslipProcessing.Completed")
        assert (type(event), event.type) == (UnknownEvent, named)


@pytest.mark.parametrize(
    "said",
    ["payment_reversed", "payslip", "Payment reversed", "https://lender.example/a", "x" * 400, 7,
     True, ["PayslipProcessing.Completed"], {"name": "Payment.Reversed"}],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_an_event_type_that_cannot_be_read_is_not_that_of_the_url(said: Any) -> None:
    """The body says something, and it is not what the URL says."""
    for body in ({"event_type": said}, {"payload": {"eventName": said}}):
        event = parse(written(body), event_type="PayslipProcessing.Completed")
        assert (type(event), event.type) == (UnknownEvent, None)


@pytest.mark.parametrize(
    "said",
    ["payslip_processing_completed", "payslipProcessing.completed", "Payslip-Processing Completed"],
)  # fmt: skip
def test_another_spelling_of_the_name_agrees_with_the_url(said: str) -> None:
    """Sikoia does not publish how bodies spell it."""
    name = "PayslipProcessing.Completed"

    assert parse(written({"event_type": said}), event_type=name).type == name


@pytest.mark.parametrize(
    "event_type",
    ["", "x", "IdentityVerification", "Company.Dissolved", "identityverification.completed",
     "IdentityVerification.Completed\n", " IdentityVerification.Completed", "é.b", "\ud800"],
    ids=ascii,
)  # fmt: skip
def test_an_event_type_is_one_of_sikoias(event_type: str) -> None:
    """It may come from a URL: anybody can invent one, and the error is that of a delivery."""
    with pytest.raises(WebhookEventTypeError, match=r"^event_type: not one of Sikoia's") as caught:
        parse(b"{}", event_type=event_type)

    assert caught.value.response_status == 404
    assert_plain(caught.value)


@pytest.mark.parametrize("event_type", [7, b"a.b", events.IdentityVerificationExpired])
def test_an_event_type_is_a_string(event_type: Any) -> None:
    """Callers without a type checker get an error."""
    with pytest.raises(ArgumentTypeError, match=r"^event_type: "):
        parse(b"{}", event_type=event_type)


# --- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"hello",
        b"{} {}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"{'a':1}",
        b'{"a":"\xff"}',
        b'{"\xff":"a"}',
        b'["\xff"]',
        b'"\xff"',
        b"\xff\xfe{\x00}\x00",
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"' + CANARY.encode() + b'\n"}',
        b"[" * 100_000,
        b"null null",
        bytes(1000),
    ],
    ids=lambda body: f"{len(body)} bytes, {body[:12]!r}",
)
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    """L10: with a constant message, whatever it is. The whole body is checked."""
    assert NOT_JSON in refused(body)
    assert NOT_JSON in refused(body, event_type=NAMES[0])


@pytest.mark.parametrize(
    "body",
    [b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP],
    ids=["lists", "objects"],
)
def test_a_body_that_is_nested_too_deeply_is_refused(body: bytes) -> None:
    """Like any other that cannot be read."""
    assert NOT_JSON in refused(body, max_body=len(body))


def test_a_body_may_have_a_mebibyte() -> None:
    """Unless `max_body` says otherwise. A larger body is not parsed."""
    body = b'"' + b"x" * ((1 << 20) - 2) + b'"'

    assert len(parse(body).data) == (1 << 20) - 2
    assert refused(body + b" ") == refused(bytes(10_000_000)) == "the body is larger than max_body"
    assert parse(body + b" ", max_body=(1 << 20) + 1).type is None
    with pytest.raises(ConfigurationError, match=r"^max_body: "):
        parse(body, max_body=0)


@pytest.mark.parametrize("body", ["{}", {"a": 1}, None, bytearray(b"{}"), 7], ids=repr)
def test_only_bytes_are_a_body(body: Any) -> None:
    """What a framework parsed is not what was signed."""
    with pytest.raises(ArgumentTypeError, match=r"^body: "):
        parse(body)


def test_nothing_of_a_body_is_in_its_error() -> None:
    """L11: neither its message, its pickle nor the variables of the SDK."""
    with pytest.raises(WebhookPayloadError) as caught:
        parse(f'{{"name": "{CANARY}", }}'.encode())

    error = caught.value
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]
    assert_plain(error)
    assert CANARY not in str([frame.locals for frame in frames]) + repr(pickle.dumps(error))


def test_a_byte_order_mark_is_skipped() -> None:
    """Some senders write one."""
    event = parse(b'\xef\xbb\xbf{"event_type": "PayslipProcessing.Completed", "a": 1.5}')

    assert type(event) is events.PayslipProcessingCompleted
    assert event.data["a"] == Decimal("1.5")


def test_the_last_of_two_fields_with_one_name_counts() -> None:
    """L10: as with Python's JSON parsers."""
    event = parse(
        b'{"type": "PayslipProcessing.Completed", "type": "IdentityVerification.Expired"}'
    )

    assert type(event) is events.IdentityVerificationExpired
    assert event.data == {"type": "IdentityVerification.Expired"}


IMPOSSIBLE = b"1e99999999999999999999"
LONG = b"1" * 5000


@contextmanager
def decimal_context(**options: Any) -> Generator[None]:
    """Set a decimal context that refuses, rounds or hides what it can."""
    with decimal.localcontext(decimal.Context(prec=2, Emax=3, Emin=-3, capitals=0, **options)):
        yield


CONTEXTS = (
    nullcontext,
    partial(decimal_context, traps=[]),
    partial(decimal_context, traps=[*decimal.DefaultContext.flags]),
)


@pytest.mark.parametrize("context", CONTEXTS, ids=["default", "no traps", "all traps"])
@pytest.mark.parametrize(
    ("number", "value"),
    [
        (IMPOSSIBLE, IMPOSSIBLE.decode()),
        (b"-1e-99999999999999999999", "-1e-99999999999999999999"),
        (b"0e" + LONG, "0e" + LONG.decode()),
        (LONG, Decimal(LONG.decode())),
        (b"1.23456789e40", Decimal("1.23456789e40")),
    ],
    ids=["exponent", "negative exponent", "long exponent", "digits", "precision"],
)
def test_any_number_can_be_read(number: bytes, value: Any, context: Any) -> None:
    """Whatever decimal context the application has set, and beyond what a Decimal holds."""
    body = b'{"amount":' + number + b',"id":"id-1"}'
    key = parse(body, event_type=NAMES[0]).key

    with context():
        event = parse(body, event_type=NAMES[0])
        logged_event = from_request(logged(event_type=NAMES[0], event_data=event.data))

        assert event.data == {"amount": value, "id": "id-1"}
        assert (event.find("amount"), event.find("id")) == (None, "id-1")
        assert list(event.mentions()) == ["id-1"]
        assert event.key == logged_event.key == key
        assert logged_event.data == event.data


def test_a_long_number_is_read_whatever_the_limit_of_digits() -> None:
    """Python refuses integers of more digits than a setting of the process allows."""
    limit = sys.get_int_max_str_digits()
    event = parse(b'{"a":' + b"7" * 700 + b"}")
    try:
        sys.set_int_max_str_digits(640)
        assert event.data == {"a": Decimal("7" * 700)}
        assert from_request(logged(event_data={"a": int(event.data["a"])})).key == event.key
    finally:
        sys.set_int_max_str_digits(limit)


def test_data_that_is_nested_too_deeply_can_still_be_handled() -> None:
    """Only reading `data` raises; an event made by hand may be as deep as any."""
    event = UnknownEvent(None, b"[" * DEEP + b"]" * DEEP)

    with pytest.raises(WebhookPayloadError, match="nested too deeply") as caught:
        _ = event.data
    assert list(chain(caught.value)) == [caught.value]
    assert list(event.mentions()) == []
    assert event.find("a") is None
    assert event.grouping_id is None
    assert len(event.key) == 64


def test_no_constant_of_javascript_is_data() -> None:
    """Python's parser would read it in a body that msgspec refuses."""
    with pytest.raises(WebhookPayloadError):
        _ = UnknownEvent(None, b'["\\ud800",NaN]').data


@pytest.mark.parametrize(
    "text", [r"\ud800", r"\uDFFF", r"\ud800x", r"\udc00\ud800", r"\\\ud800", r"\ud83d\ude00\udc00"]
)
@pytest.mark.parametrize(
    "template",
    ['"{}"', '["{}"]', '{{"a":"{}"}}', '{{"{}":1}}', '{{"data":{{"grouping_id":"{}"}}}}'],
)
def test_a_lone_surrogate_is_part_of_an_event(template: str, text: str) -> None:
    """It is JSON, although no file, terminal or database takes such a string."""
    body = template.format(text).encode()
    event = parse(body, event_type=NAMES[0])

    assert type(event) is events.DocumentProcessingCompleted
    assert event.data == json.loads(body)
    assert event.grouping_id is None or event.grouping_id.encode()
    assert [*event.mentions()] == [one for one in payload.walk(event.data) if type(one) is str]
    for data in (*in_log(body), json.loads(body)):
        again = from_request(logged(event_type=NAMES[0], event_data=data))
        assert (again.key, again.data) == (event.key, event.data)


def test_a_lone_surrogate_does_not_hide_the_type() -> None:
    """The other fields are read as ever."""
    body = written({"note": "\ud800", "type": NAMES[5], "grouping_id": "g-1", "request_id": "r-1"})
    event = parse(body)

    assert (event.type, event.grouping_id, event.find("requestId")) == (NAMES[5], "g-1", "r-1")


@pytest.mark.parametrize(
    "body", [rb"\ud800", rb'{"a":\ud800}', rb'"\ud800', rb'["\ud8"]', rb'"\ud800" x']
)
def test_a_lone_surrogate_makes_nothing_json(body: bytes) -> None:
    """What else is malformed is refused."""
    assert NOT_JSON in refused(body)


@given(st.binary() | st.text().map(str.encode) | JSON.map(written))
def test_any_bytes_are_an_event_or_refused(body: bytes) -> None:
    """L12: there is no other outcome, and all attributes of an event can be read."""
    try:
        event = parse(body)
    except WebhookPayloadError:
        return

    assert event.body == body
    assert event.data == json.loads(body.decode("utf-8-sig"), parse_float=Decimal)
    assert len({*event.mentions()}) == len([*event.mentions()])
    assert event.grouping_id is None or event.find("groupingid")
    assert CANARY not in repr(event)


@given(JSON)
def test_all_json_of_python_is_accepted(value: Any) -> None:
    """L12: none is refused."""
    assert parse(written(value)).body == written(value)


# --- the contents of an event


def test_a_repr_shows_no_body() -> None:
    """Events are logged, and their bodies hold personal data."""
    event = parse(written({"type": NAMES[7], "name": CANARY}))

    assert event.data["name"] == CANARY  # even after it was decoded
    assert repr(event) == (
        "IdentityVerificationExpired(type='IdentityVerification.Expired', body=64 bytes)"
    )


def test_data_is_decoded_once_and_not_pickled() -> None:
    """An event is pickled as its raw body."""
    event = parse(written({"type": NAMES[1], "amount": 0.1, "grouping_id": "g-1"}))

    copy = pickle.loads(pickle.dumps(event))  # noqa: S301 - our own

    assert event.data is event.data
    assert event.data["amount"] == Decimal("0.1")
    assert (type(copy), copy, hash(copy)) == (type(event), event, hash(event))
    assert (copy.data, copy.grouping_id, copy.key) == (event.data, "g-1", event.key)


def test_events_are_immutable() -> None:
    """They are passed to several functions."""
    event: Any = parse(b"{}")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.type = "other"
    with pytest.raises(AttributeError):
        event.other = 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"grouping_id": "g-1"}, "g-1"),
        ({"groupingId": "g-1"}, "g-1"),
        ({"data": {"grouping_id": "g-1"}}, "g-1"),
        ({"data": {"grouping_id": "inner"}, "groupingId": "g-1"}, "g-1"),
        ({"grouping_id": ""}, None),
        ({"grouping_id": 7}, None),
        ({"grouping_id": "g" * 300}, None),
        ({"grouping_id": None, "payload": {"groupingId": "g-1"}}, "g-1"),
        ({"documents": [{"grouping_id": "another's"}]}, None),
        ({"document": {"grouping_id": "another's"}}, None),
        ([{"grouping_id": "another's"}], None),
    ],
    ids=repr,
)
def test_the_grouping_id_is_that_of_the_event(body: Any, expected: str | None) -> None:
    """A deeper one may belong to something else, and would merge distinct events."""
    assert parse(written(body)).grouping_id == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"request_id": "r-1"}, "r-1"),
        ({"requestId": "r-1"}, "r-1"),
        ({"a": [{"b": {"RequestId": "r-1"}}]}, "r-1"),
        ({"a": {"request_id": "inner"}, "z": 1, "request_id": "r-1"}, "r-1"),
        ({"request_id": 7, "a": {"request_id": "r-1"}}, "r-1"),
        ({"request": "r-1"}, None),
        (["request_id", "r-1"], None),
        ("request_id", None),
    ],
    ids=repr,
)
def test_a_string_is_found_by_the_name_of_its_field(body: Any, expected: str | None) -> None:
    """At any depth, the outermost first, in any spelling of the name."""
    event = parse(written(body))

    assert event.find("request_id") == event.find("requestId") == expected


def test_mentions_are_strings_and_the_words_of_urls() -> None:
    """Each once, the outermost first: an id may be anywhere."""
    body = {
        "a": {"deep": ["id-2", "id-1", 7, None, True, 1.5]},
        "url": "https://api.sikoia.com/v2/identity/id-3?from=id-4#x",
        "id": "id-1",
        "words": "some free text",
        "long": "x" * 129,
        "longest": "y" * 128,
        "far": "/v2/" + "z" * 200 + "/id-5",
        "too far": "/id-6" * 1000,
        "empty": "",
    }

    assert list(parse(written(body)).mentions()) == [
        "https://api.sikoia.com/v2/identity/id-3?from=id-4#x",
        "https",
        "api.sikoia.com",
        "v2",
        "identity",
        "id-3",
        "from",
        "id-4",
        "x",
        "id-1",
        "some free text",
        "y" * 128,
        "id-5",
        "id-2",
    ]


def test_mentions_are_bounded() -> None:
    """By a thousand; those nearest to the top come first."""
    body = {"many": [[str(number)] for number in range(5000)], "id": "id-1"}

    mentions = list(parse(written(body)).mentions())

    assert len(mentions) == 1000
    assert mentions[0] == "id-1"


def test_deeply_nested_data_can_be_searched() -> None:
    """As deeply as it can be decoded."""
    body = written({"type": NAMES[0]})[:-1] + b', "a":' + b"[" * 300 + b'"id-1"' + b"]" * 300 + b"}"

    assert "id-1" in parse(body).mentions()


# --- keys


def test_a_key_depends_on_the_body_alone() -> None:
    """L8: nothing else is signed."""
    one = parse(b'{"id":"1"}', event_type=NAMES[0])

    assert one.key == parse(b'{"id":"1"}', event_type=NAMES[1]).key == parse(b'{"id":"1"}').key
    assert one.key != parse(b'{"id":"2"}', event_type=NAMES[0]).key
    assert one.key != parse(b'{"id":1}', event_type=NAMES[0]).key


@pytest.mark.parametrize(
    "spelling",
    [
        b'{"b":[1,2.5,"x y"],"a":"\xc3\xa9"}',
        b' { "b" : [ 1 , 2.5 , "x y" ] , "a" : "\xc3\xa9" } \n',
        b'{"a":"\\u00e9","b":[1.0,2.50,"x\\u0020y"]}',
        b'{"a":"\xc3\xa9","b":[1e0,25e-1,"x y"]}',
        b'\xef\xbb\xbf{"a":"\xc3\xa9","b":[10E-1,2.5,"x y"]}',
    ],
)
def test_a_key_is_the_same_however_the_json_is_spelt(spelling: bytes) -> None:
    """So an event from Sikoia's log has the key of its delivery."""
    assert parse(spelling).key == parse('{"a":"é","b":[1,2.5,"x y"]}'.encode()).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"[1,2]", b"[2,1]"),
        (b'"1"', b"1"),
        (b"1.5", b'"1.5"'),
        (b"null", b"false"),
        (b"0", b"false"),
        (b"1e20", b"1e21"),
        (b"1.00000000000000000000000000000000000001", b"1"),
        (b"1e999999999", b"1e999999998"),
        (b"18446744073709551615", b"18446744073709551616"),
        (b"1e99999999999999999999", b"1e99999999999999999998"),
        (b"{}", b"[]"),
        (b'{"a":null}', b"{}"),
        (b"1" * 5000, b"1" * 4999 + b"2"),
        (b'"\\u0000n1e0"', b"1"),
        (b'"\\u00000"', b"0"),
        (rb'"\ud800"', rb'"\udfff"'),
        (rb'"\ud800"', rb'"\ufffd"'),
        (rb'"\ud800"', rb'"\u0000ud800"'),
        (rb'"\ud800"', rb'"\u0000u\u0000d800"'),
        (rb'"\ud800\u0000d801"', rb'"\ud800\ud801"'),
        (rb'"\ud800"', rb'"\\ud800"'),
        (b"1e" + b"9" * 5000, b"1e" + b"9" * 4999 + b"8"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_other_content_has_another_key(one: bytes, other: bytes) -> None:
    """L8: different bodies are different events."""
    assert parse(one).key != parse(other).key


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
@example(10**20)
@example(2**64 * 10)
@example(-(10**5000))
@example(Decimal("1e5000"))
def test_equal_numbers_have_one_key(number: int | Decimal) -> None:
    """However they are written."""
    plain, scientific = f"{Decimal(number):f}", f"{Decimal(number):e}"

    assert parse(plain.encode()).key == parse(scientific.encode()).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rb'{"a":"\uD800","b":1}', rb'{ "b" : 1, "a" : "\ud800" }'),
        (b'{"a":1e' + LONG + b',"b":1}', b'{ "b" : 1.0, "a" : 1e' + LONG + b" }"),
    ],
    ids=["surrogate", "exponent"],
)
def test_what_no_decoder_reads_has_one_key(one: bytes, other: bytes) -> None:
    """Other white space and another order of fields do not change it."""
    assert parse(one).key == parse(other).key


@given(JSON, st.sampled_from([None, 0, 2]), st.booleans())
def test_any_json_has_one_key(value: Any, indent: int | None, ascii_only: bool) -> None:
    """However it is encoded."""
    respelt = written(value, indent=indent, ensure_ascii=ascii_only, sort_keys=True)

    assert parse(respelt).key == parse(written(value)).key


# --- the log


def logged(**fields: Any) -> WebhookRequest:
    """Return a request from Sikoia's log."""
    whole: dict[str, Any] = {"request_id": "r-1", **fields}
    return WebhookRequest(**whole)


def in_log(body: bytes) -> Iterator[Any]:
    """Yield a body as the log may hold it: as JSON, or as a string of it."""
    yield json.loads(body, parse_float=Decimal)
    yield f" {body.decode()}\n"


@given(JSON)
def test_an_event_of_the_log_is_the_one_that_was_delivered(value: Any) -> None:
    """It has the same type, data and key, whether the log holds JSON or a string of it."""
    delivered = parse(written({"data": value}), event_type=NAMES[3])

    for data in in_log(delivered.body):
        event = from_request(logged(event_type=NAMES[3], grouping_id="g-1", event_data=data))
        assert (type(event), event.type) == (type(delivered), NAMES[3])
        assert (event.key, event.data) == (delivered.key, delivered.data)
        assert event.grouping_id == "g-1"


def test_the_grouping_id_of_the_log_is_preferred() -> None:
    """The log states it; in the body it has to be searched for."""
    data = {"grouping_id": "inner"}

    assert from_request(logged(event_data=data, grouping_id="g-1")).grouping_id == "g-1"
    assert from_request(logged(event_data=data)).grouping_id == "inner"
    assert from_request(logged(event_data=data, grouping_id="g-1")) == parse(
        b'{"grouping_id":"inner"}'
    )


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (None, b"null"),
        ("not JSON", b'"not JSON"'),
        ("", b'""'),
        ("7", b"7"),
        ({"a": Decimal("1.50")}, b'{"a":1.5}'),
        ([True], b"[true]"),
    ],
)
def test_all_data_of_the_log_is_an_event(data: Any, body: bytes) -> None:
    """No entry stops a reader of the log. Unknown types give unknown events."""
    for name in (None, "unknown", "Company.Dissolved"):
        event = from_request(logged(event_type=name, event_data=data))
        assert type(event) is UnknownEvent
        assert event.type == (name if name == "Company.Dissolved" else None)
        assert parse(body).data == event.data


def test_a_large_request_of_the_log_is_an_event() -> None:
    """It comes from Sikoia, so there is no limit."""
    assert len(from_request(logged(event_data="x" * (2 << 20))).data) == 2 << 20


@pytest.mark.parametrize(
    "data",
    [object(), {"a": object()}, {"a": "\ud800", "b": object()}, {"\ud800": {1: 2}}],
    ids=["object", "object in a field", "object beside a surrogate", "number as a name"],
)
def test_data_that_is_not_json_is_refused(data: Any) -> None:
    """It cannot come from the log."""
    with pytest.raises(ArgumentTypeError, match=r"^request: ") as caught:
        from_request(logged(event_data=data))
    assert_plain(caught.value)


@pytest.mark.parametrize("request_", [None])
def test_a_request_is_required(request_: Any) -> None:
    """None is refused."""
    with pytest.raises(ArgumentTypeError, match=r"^request: "):
        from_request(request_)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"%b"}' % (b"/a" * 500_000),
        b'{"a":"%b"}' % (rb"\n" * 500_000),
        b"[%b1]" % (b"123456789," * 100_000),
        b"[%b1]" % (b'"%b",' % (b"x" * 100) * 9_000),
    ],
    ids=["string", "escapes", "numbers", "strings"],
)
def test_a_large_body_takes_memory_in_proportion(body: bytes) -> None:
    """A handler's process survives a hundred of them at once."""
    tracemalloc.start()
    try:
        assert len(parse(body).key) == 64
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 70 * len(body)
