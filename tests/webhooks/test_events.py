"""Events: what is read of a body whose shape nobody has published."""

import inspect
import json
import pickle
import traceback
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

import attrs
import pytest
from faults import assert_plain, chain
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async.errors import ArgumentTypeError, ConfigurationError, WebhookPayloadError
from sikoia_async.resources import webhooks
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.webhooks import events
from sikoia_async.webhooks.events import Event, UnknownEvent, WebhookEventName, from_request, parse

NAMES: tuple[WebhookEventName, ...] = get_args(WebhookEventName)
SPELLINGS = ("event_type", "eventType", "event_name", "eventName", "type", "event")
ENVELOPES = ("event", "data", "event_data", "eventData", "payload")
CANARY = "canary-value"
NO_JSON = "is no JSON, or is nested too deeply"
DEEP = 100_000

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
    """Write JSON as a sender might."""
    return json.dumps(value, **options).encode()


def refused(body: bytes, **options: Any) -> str:
    """Return in what words a body is refused."""
    with pytest.raises(WebhookPayloadError) as caught:
        parse(body, **options)
    assert list(chain(caught.value)) == [caught.value]
    return str(caught.value)


# --- types


def test_the_names_are_those_of_the_resource() -> None:
    """Whoever subscribes and whoever receives speak of the same events."""
    assert get_args(webhooks.WebhookEventName) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_its_class(name: WebhookEventName) -> None:
    """The class is named as the event is."""
    event = parse(written({"event_type": name}))

    assert type(event).__name__ == name.replace(".", "")
    assert event.type == name
    assert events.event_class(name) is events.event_class(type(event)) is type(event)


def test_the_classes_have_the_vendors_hierarchy() -> None:
    """The finer is an instance of the wider, so that one check or handler is enough."""
    parents = {
        name.replace(".Completed", ""): {
            one.__name__.removesuffix("ProcessingCompleted")
            for one in inspect.getmro(events.event_class(name) or Event)[1:]
            if one not in (Event, object)
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


def test_related_are_the_wider_and_the_finer() -> None:
    """And not the event itself, nor one that only shares a finer one with it."""
    related = {
        kind.__name__: {one.__name__ for one in events.related(kind)}
        for kind in (
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
def test_the_name_may_be_spelt_in_several_ways(spelling: str, name: str) -> None:
    """Nobody has published where it stands: at the top, or in what may be an envelope."""
    kind = events.event_class(name) or UnknownEvent
    bodies: list[Any] = [{"a": 1, spelling: name}]
    bodies += [{"id": 1, envelope: {"a": [], spelling: name}} for envelope in ENVELOPES]

    for body in bodies:
        event = parse(written(body))
        assert (type(event), event.type) == (kind, name), body


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
        {"event_type": ["PayslipProcessing.Completed"]},
        {"event_type": "payslip"},
        {"event_type": ""},
        {"event_type": "a." + "b" * 400},
        {"event_type": "https://lender.example/a"},
        {"kind": "PayslipProcessing.Completed"},
        {"data": {"data": {"event_type": "PayslipProcessing.Completed"}}},
        {"data": [{"event_type": "PayslipProcessing.Completed"}]},
        {"data": "PayslipProcessing.Completed"},
        {"document": {"type": "PayslipProcessing.Completed"}},
    ],
    ids=repr,
)
def test_where_nothing_tells_the_type_there_is_none(body: Any) -> None:
    """What is JSON is an event all the same, and holds all that came."""
    event = parse(written(body))

    assert type(event) is UnknownEvent
    assert event.type is None
    assert event.data == body
    assert type(parse(written(body), event_type=NAMES[1])).__name__ == NAMES[1].replace(".", "")


def test_a_name_that_is_known_comes_before_what_is_like_one() -> None:
    """`type` may be anything, a version say."""
    body = {"event_type": "schema.v1", "type": "x.y", "data": {"eventName": NAMES[6]}}

    assert parse(written(body)).type == NAMES[6]
    assert parse(written({"event_type": "schema.v1", "type": "x.y"})).type == "schema.v1"


def test_what_is_signed_counts_more_than_the_address() -> None:
    """A delivery that was recorded cannot be passed off as another event."""
    known, other, unheard = NAMES[6], NAMES[7], "Company.Dissolved"

    assert parse(written({"type": known}), event_type=other).type == known
    assert parse(written({"type": unheard}), event_type=other).type == other
    assert parse(written({}), event_type=unheard).type == unheard
    assert type(parse(written({}), event_type=unheard)) is UnknownEvent


@pytest.mark.parametrize("event_type", ["", "IdentityVerification", "a b.c", "a.b\n", "é.b", "."])
def test_what_cannot_be_a_name_is_refused(event_type: str) -> None:
    """An address that is set up wrongly is heard of, and its text is not repeated."""
    with pytest.raises(ConfigurationError, match=r"^event_type: give Sikoia's name") as caught:
        parse(b"{}", event_type=event_type)

    assert not isinstance(caught.value, ArgumentTypeError)


@pytest.mark.parametrize("event_type", [7, b"a.b", events.IdentityVerificationExpired])
def test_a_name_is_a_text(event_type: Any) -> None:
    """Whoever has no type checker hears of it here."""
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
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b"null null",
        bytes(1000),
    ],
    ids=lambda body: f"{len(body)} bytes, {body[:12]!r}",
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """L10: in constant words, whatever it is; the rest of the object is looked at, too."""
    assert NO_JSON in refused(body)
    assert NO_JSON in refused(body, event_type=NAMES[0])


def test_a_body_may_have_a_mebibyte() -> None:
    """No more, unless asked for; a larger one is not looked at."""
    body = b'"' + b"x" * ((1 << 20) - 2) + b'"'

    assert len(parse(body).data) == (1 << 20) - 2
    assert refused(body + b" ") == refused(bytes(10_000_000)) == "the body is larger than max_body"
    assert parse(body + b" ", max_body=(1 << 20) + 1).type is None
    with pytest.raises(ConfigurationError, match=r"^max_body: "):
        parse(body, max_body=0)


@pytest.mark.parametrize("body", ["{}", {"a": 1}, None, bytearray(b"{}"), 7], ids=repr)
def test_only_bytes_are_a_body(body: Any) -> None:
    """What a framework read is not what was signed."""
    with pytest.raises(ArgumentTypeError, match=r"^body: "):
        parse(body)


def test_nothing_of_a_body_is_in_its_error() -> None:
    """L11: neither in its text, nor in its pickle, nor in a variable of ours."""
    with pytest.raises(WebhookPayloadError) as caught:
        parse(f'{{"name": "{CANARY}", }}'.encode())

    error = caught.value
    ours = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]
    assert_plain(error)
    assert CANARY not in str([frame.locals for frame in ours]) + repr(pickle.dumps(error))


def test_a_mark_at_the_beginning_is_passed_over() -> None:
    """Some senders write one; no JSON begins so, and everybody reads it."""
    event = parse(b'\xef\xbb\xbf{"event_type": "PayslipProcessing.Completed", "a": 1.5}')

    assert type(event) is events.PayslipProcessingCompleted
    assert event.data["a"] == Decimal("1.5")


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    """L10: as with all of Python's readers of JSON."""
    event = parse(
        b'{"type": "PayslipProcessing.Completed", "type": "IdentityVerification.Expired"}'
    )

    assert type(event) is events.IdentityVerificationExpired
    assert event.data == {"type": "IdentityVerification.Expired"}


@pytest.mark.parametrize(
    "body", [b"1e99999999999999999999", b"[" + b"1" * 5000 + b"]"], ids=["exponent", "digits"]
)
def test_a_number_that_cannot_be_held_leaves_the_event(body: bytes) -> None:
    """The event is handled; only who reads the number hears of it."""
    event = parse(body, event_type=NAMES[0])

    with pytest.raises(WebhookPayloadError, match="no Decimal can hold") as caught:
        _ = event.data
    assert list(chain(caught.value)) == [caught.value]
    assert list(event.mentions()) == []
    assert event.find("a") is None
    assert event.grouping_id is None
    assert len(event.key) == 64


@given(st.binary() | st.text().map(str.encode) | JSON.map(written))
def test_any_bytes_are_an_event_or_refused(body: bytes) -> None:
    """L12: there are two outcomes, and an event can be asked for everything."""
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
def test_what_python_writes_is_read(value: Any) -> None:
    """L12: no JSON is refused."""
    assert parse(written(value)).body == written(value)


# --- what an event tells


def test_a_repr_shows_no_body() -> None:
    """Events are logged, and their bodies are personal data."""
    event = parse(written({"type": NAMES[7], "name": CANARY}))

    assert event.data["name"] == CANARY  # even when it has been read
    assert repr(event) == (
        "IdentityVerificationExpired(type='IdentityVerification.Expired', body=64 bytes)"
    )


def test_data_is_read_once_and_is_not_pickled() -> None:
    """And an event goes to another process as what came."""
    event = parse(written({"type": NAMES[1], "amount": 0.1, "grouping_id": "g-1"}))

    twin = pickle.loads(pickle.dumps(event))  # noqa: S301 - our own

    assert event.data is event.data
    assert event.data["amount"] == Decimal("0.1")
    assert (type(twin), twin, hash(twin)) == (type(event), event, hash(event))
    assert (twin.data, twin.grouping_id, twin.key) == (event.data, "g-1", event.key)


def test_events_do_not_change() -> None:
    """They are passed from handler to handler."""
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
def test_the_grouping_is_that_of_the_event(body: Any, expected: str | None) -> None:
    """What is deep inside may be of something else, and a wrong one would fold what is distinct."""
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
def test_a_text_is_found_by_its_name(body: Any, expected: str | None) -> None:
    """At any depth, the outermost first, however the name is spelt."""
    event = parse(written(body))

    assert event.find("request_id") == event.find("requestId") == expected


def test_mentions_are_texts_and_the_words_of_addresses() -> None:
    """Each once, the outermost first: an id may stand anywhere."""
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
    """A thousand, of which those nearest to the top come first."""
    body = {"many": [[str(number)] for number in range(5000)], "id": "id-1"}

    mentions = list(parse(written(body)).mentions())

    assert len(mentions) == 1000
    assert mentions[0] == "id-1"


def test_the_way_to_the_bottom_needs_no_room() -> None:
    """What was read can be looked through, however deep it is."""
    body = written({"type": NAMES[0]})[:-1] + b', "a":' + b"[" * 300 + b'"id-1"' + b"]" * 300 + b"}"

    assert "id-1" in parse(body).mentions()


# --- keys


def test_a_key_is_of_the_type_and_the_body() -> None:
    """L8: parent and child have keys of their own, though the body be the same."""
    one = parse(b'{"id":"1"}', event_type=NAMES[0])

    assert one.key == parse(b'{"id":"1"}', event_type=NAMES[0]).key
    assert one.key != parse(b'{"id":"1"}', event_type=NAMES[1]).key
    assert one.key != parse(b'{"id":"1"}').key
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
    """So that an event of Sikoia's log is known by what was delivered."""
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
    ],
)
def test_other_content_has_another_key(one: bytes, other: bytes) -> None:
    """L8: nothing that differs is taken for the same."""
    assert parse(one).key != parse(other).key


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
def test_equal_numbers_have_one_key(number: int | Decimal) -> None:
    """Whoever writes them."""
    plain, scientific = f"{number:f}", f"{Decimal(number):e}"

    assert parse(plain.encode()).key == parse(scientific.encode()).key


@given(JSON, st.sampled_from([None, 0, 2]), st.booleans())
def test_any_json_has_one_key(value: Any, indent: int | None, ascii_only: bool) -> None:
    """However it is written."""
    respelt = written(value, indent=indent, ensure_ascii=ascii_only, sort_keys=True)

    assert parse(respelt).key == parse(written(value)).key


# --- the log


def logged(**fields: Any) -> WebhookRequest:
    """Make a request as Sikoia's log has it."""
    whole: dict[str, Any] = {"request_id": "r-1", **fields}
    return WebhookRequest(**whole)


def in_log(body: bytes) -> Iterator[Any]:
    """Yield a body as the log may hold it: as JSON, or as a text of it."""
    yield json.loads(body, parse_float=Decimal)
    yield f" {body.decode()}\n"


@given(JSON)
def test_an_event_of_the_log_is_the_one_that_was_delivered(value: Any) -> None:
    """It has the same type, data and key, whether the log holds JSON or a text of it."""
    delivered = parse(written({"data": value}), event_type=NAMES[3])

    for data in in_log(delivered.body):
        event = from_request(logged(event_type=NAMES[3], grouping_id="g-1", event_data=data))
        assert (type(event), event.type) == (type(delivered), NAMES[3])
        assert (event.key, event.data) == (delivered.key, delivered.data)
        assert event.grouping_id == "g-1"


def test_the_logs_grouping_counts_more_than_the_bodys() -> None:
    """The log is Sikoia's word; the body has it where it was found."""
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
        ("no JSON", b'"no JSON"'),
        ("", b'""'),
        ("7", b"7"),
        ({"a": Decimal("1.50")}, b'{"a":1.5}'),
        ([True], b"[true]"),
    ],
)
def test_whatever_the_log_holds_is_an_event(data: Any, body: bytes) -> None:
    """Nothing that Sikoia may write there stops who reads it; unheard types are unknown ones."""
    for name in (None, "unheard", "Company.Dissolved"):
        event = from_request(logged(event_type=name, event_data=data))
        assert type(event) is UnknownEvent
        assert event.type == (name if name == "Company.Dissolved" else None)
        assert parse(body).data == event.data


def test_a_large_request_of_the_log_is_an_event() -> None:
    """It is Sikoia's answer, and not anybody's."""
    assert len(from_request(logged(event_data="x" * (2 << 20))).data) == 2 << 20


@pytest.mark.parametrize(
    "data",
    [object(), {"a": object()}, "\ud800", {"a": "\ud800"}],
    ids=["an object", "one in it", "half a character", "one in it, too"],
)
def test_what_is_no_json_is_no_data(data: Any) -> None:
    """Whoever makes requests up hears of it."""
    with pytest.raises(ArgumentTypeError, match=r"^request: ") as caught:
        from_request(logged(event_data=data))
    assert_plain(caught.value)


@pytest.mark.parametrize("request_", [None])
def test_a_request_has_to_be_given(request_: Any) -> None:
    """None is none."""
    with pytest.raises(ArgumentTypeError, match=r"^request: "):
        from_request(request_)
