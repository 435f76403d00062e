"""Malformed responses become a model, or an error with the path and without the value."""

import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from random import Random
from types import GenericAlias
from typing import Annotated, Any, Final, get_args, get_origin

import anyio
import attrs
import contract
import httpx
import msgspec
import pytest
import spec
import virtual
from contract import Endpoint
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reliability.answering import (
    INTOS,
    MODELS,
    items_of,
    kind_of,
    mutated,
    outcome,
    smallest,
    typed_examples,
)

from sikoia_async import Sikoia, SikoiaError, UnexpectedResponseError
from sikoia_async._codec.converter import unstructure
from sikoia_async._schema.shapes import field_types
from sikoia_async.environments import local
from sikoia_async.models import Items, Model
from sikoia_async.resources.users import Role, User

READING: Final = [one for one in contract.ENDPOINTS if contract.models_in(one.into)]
CANARY: Final = "canary-Zyxwvut"
NUMBER: Final = 815_081_508_150

# What becomes of a JSON value in a field of a kind. Everything that is not here cannot be read.
_KEPT: Final[dict[Any, dict[str, Any]]] = {
    str: {"text": CANARY, "empty": "", "int": str(NUMBER), "float": f"{NUMBER}.5"},
    int: {"int": NUMBER},
    float: {"int": float(NUMBER), "float": NUMBER + 0.5},
    Decimal: {"int": Decimal(NUMBER), "float": Decimal(f"{NUMBER}.5")},
    bool: {"true": True},
    tuple: {"list": ()},
}
_SINGLE: Final[dict[str, Any]] = {
    "text": (CANARY,),
    "int": (str(NUMBER),),
    "float": (f"{NUMBER}.5",),
}
"""What becomes of one value in a list of strings."""
_SCALARS: Final = (int, float, Decimal, bool, date, datetime)
_VALUES: Final[dict[str, Any]] = {
    "null": None,
    "true": True,
    "int": NUMBER,
    "float": NUMBER + 0.5,
    "text": CANARY,
    "empty": "",
    "list": [],
    "object": {CANARY: CANARY},
}


def _fields() -> Iterator[tuple[Any, str, Any]]:
    for model in MODELS:
        for name, wanted in field_types(model).items():
            yield model, name, wanted


def _expected(wanted: Any, value: str) -> tuple[Any, bool]:
    """Return what an optional field becomes, and whether `response.unread` keeps the value."""
    kind, _ = kind_of(wanted)
    if value == "null" or (value == "empty" and kind is not str):
        return None, False
    if kind is tuple and value in _SINGLE:
        (item,) = contract.items(contract.alternatives(wanted))
        return (_SINGLE[value] if kind_of(item)[0] is str else None), True
    kept = _KEPT.get(kind, {})
    return kept.get(value), value not in kept


@pytest.mark.parametrize("value", _VALUES)
def test_every_field_with_every_kind_of_value(value: str) -> None:
    """C14: in every model of every response, an odd value costs only its field.

    In a required field it costs the response: the error names the path and the expected type.
    """
    seen, odd = 0, _VALUES[value]
    for model, name, wanted in _fields():
        kind, optional = kind_of(wanted)
        if kind is Any or (attrs.has(kind) and value == "object"):
            continue
        body = json.dumps([smallest(model) | {name: odd}]).encode()

        found, (expected, is_unread) = outcome(body, items_of(model)), _expected(wanted, value)
        if expected is None and attrs.fields_dict(model)[name].default == ():
            expected = ()  # a list that is never None

        seen += 1
        if optional or not (is_unread or expected is None):
            assert not isinstance(found, UnexpectedResponseError), (model, name, found.problems)
            assert getattr(found[0], name) == expected, (model, name)
            assert found.response.unread == ({f"$[0].{name}": odd} if is_unread else {})
            continue
        assert isinstance(found, UnexpectedResponseError), (model, name, kind, optional)
        assert [problem.rpartition(" @ ")[2] for problem in found.problems] == [f"$[0].{name}"]
        assert found.problems[0].startswith("expected ")
        _assert_hidden(found)
    assert seen > 900


def _assert_hidden(error: UnexpectedResponseError) -> None:
    shown = f"{error} {error!r} {error.problems} {error.__cause__} {error.__context__}"
    assert CANARY not in shown
    assert str(NUMBER) not in shown


def test_every_list_with_a_string_in_it() -> None:
    """C14: items are decoded like fields; one that cannot be read is left out."""
    seen = 0
    for model, name, wanted in _fields():
        if kind_of(wanted)[0] is not tuple:
            continue
        item = get_args(contract.alternatives(wanted)[0])[0]
        body = json.dumps(smallest(model) | {name: [CANARY, None]}).encode()

        found = outcome(body, model)

        seen += 1
        is_string = kind_of(item)[0] is str
        assert getattr(found, name) == ((CANARY,) if is_string else ())
        first = {} if is_string else {f"$.{name}[0]": CANARY}
        assert found.response.unread == first | {f"$.{name}[1]": None}
    assert seen > 50


def test_unknown_fields_and_nulls_are_accepted() -> None:
    """C15: unknown fields and values, and null in optional fields."""
    for model in MODELS:
        least, nulls, enums = smallest(model), dict[str, None](), dict[str, str]()
        for name, wanted in field_types(model).items():
            if get_origin(contract.alternatives(wanted)[0]) is Annotated:
                enums[name] = "Unheard"
            elif kind_of(wanted)[1]:
                nulls[name] = None
        body = nulls | least | enums | {"colour": {"x": [1]}, "__class__": "x", "": None}

        found = outcome(json.dumps(body).encode(), model)

        plain = outcome(json.dumps(least).encode(), model)
        assert found == attrs.evolve(plain, **enums)


def test_the_last_of_duplicate_fields_counts() -> None:
    """C13: as in Python's own `json`, with both decoders."""
    body = b'{"user_id": "1", "user_id": "2", "email": "a", "email": null%b}'

    assert outcome(body % b"", User) == User(user_id="2")
    assert outcome(body % b', "account_date_created": ""', User) == User(user_id="2")
    assert outcome(body % b"", object) == {"user_id": "2", "email": None}


@pytest.mark.parametrize("name", ["__proto__", "__class__", "__init__", "_response", "response"])
def test_special_names_are_unknown_fields(name: str) -> None:
    """C13: names with a meaning in Python have none in JSON."""
    user = outcome(json.dumps({"user_id": "1", name: {"a": 1}}).encode(), User)

    assert user == User(user_id="1")
    assert user.response.status == 200


def _rows(row: bytes, count: int) -> bytes:
    return b"[" + b",".join([row] * count) + b"]"


_MANY: Final = {
    "names": (b'{"user_id": "1"%b}' % b"".join(b',"%d":1' % one for one in range(1_000_000)), 0),
    "wrong entries": (_rows(b"1", 1_000_000), 100),
    "wrong fields": (_rows(b'{"user_id": [], "roles": [1, 1, 1]}', 100_000), 100),
    "odd fields": (_rows(b'{"user_id": "1", "roles": [1, 1, 1]}', 100_000), 0),
    "wrong texts": (_rows(b'{"user_id": "1", "account_date_created": "x"}', 50_000), 0),
    "lists in lists": (_rows(b'{"user_id": "1", "roles": [' + b"1," * 999 + b"1]}", 1000), 0),
}
"""Responses, and how many problems each has."""


@pytest.mark.parametrize("case", _MANY)
def test_a_million_of_anything_decodes_in_seconds(case: str) -> None:
    """C13: with a higher `max_json`. An error lists a hundred of a million problems."""
    body, problems = _MANY[case]
    began = time.process_time()

    found = outcome(body, User if body.startswith(b"{") else Items[User], max_json=1 << 26)

    assert time.process_time() - began < 60
    if problems:
        assert isinstance(found, UnexpectedResponseError)
        assert len(found.problems) == problems
        assert len(str(found)) < 1000
    else:
        assert not isinstance(found, UnexpectedResponseError)


def test_many_problems_take_no_memory() -> None:
    """C13: the cost of a hostile response is bounded by its size, at a word and a view an item."""
    body = _rows(b"1", 100_000)
    tracemalloc.start()

    outcome(body, Items[User])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 64 * len(body)


def test_a_list_inside_a_string_is_decoded() -> None:
    """C14: and what cannot be decoded in it is left out."""
    text = json.dumps([{"name": "Admin"}, {"name": 5}])

    found = outcome(json.dumps([{"user_id": "1", "roles": text}]).encode(), Items[User])
    assert found == (User(user_id="1", roles=(Role(name="Admin"), Role(name="5"))),)

    places = tuple(_scalars_in_lists())
    for model, name, item, inner in places:
        rows = json.dumps([smallest(item), smallest(item) | {inner: CANARY}])

        found = outcome(json.dumps(smallest(model) | {name: rows}).encode(), model)

        assert getattr(found, name)[1] == getattr(found, name)[0]
        assert found.response.unread == {f"$.{name}[1].{inner}": CANARY}
    assert len(places) > 50


def _scalars_in_lists() -> Iterator[tuple[Any, str, Any, str]]:
    """Yield the optional fields of list items, after the list's model, name and item type."""
    for model, name, wanted in _fields():
        if kind_of(wanted)[0] is tuple:
            (item,) = contract.items(contract.alternatives(wanted))
            for inner, type_ in field_types(item).items() if attrs.has(item) else ():
                if kind_of(type_) in {(kind, True) for kind in _SCALARS}:
                    yield model, name, item, inner


@attrs.frozen(kw_only=True)
class Nested(Model):
    """A model that contains itself, as a user's may."""

    inner: "Nested | None" = None
    money: Decimal | None = None
    rows: "tuple[Nested, ...] | None" = None


@pytest.mark.parametrize("depth", [100, 300, 450, 500, 700, 950, 990, 1000, 5000])
@pytest.mark.parametrize("core", ["{}", '{"money": ""}', '{"money": "x"}', '{"money": []}', "[]"])
@pytest.mark.parametrize("form", ['{"inner": %s}', '{"rows": [%s]}'], ids=["object", "list"])
def test_recursive_models_have_a_maximum_depth(depth: int, core: str, form: str) -> None:
    """C12: a model may contain itself."""
    begin, end = form.split("%s")

    found = outcome((begin * depth + core + end * depth).encode(), Nested)

    if not isinstance(found, UnexpectedResponseError):
        assert depth < 1000
        return
    assert found.problems


@settings(max_examples=8)
@pytest.mark.parametrize("endpoint", READING, ids=contract.ids)
@given(st.data(), st.integers(0, 2**32))
def test_mutated_examples_are_decoded_or_refused(
    endpoint: Endpoint, data: st.DataObject, seed: int
) -> None:
    """M3: what is decoded survives a round trip."""
    into, answer = endpoint.successes[0]
    if get_origin(into) is Items:
        into = GenericAlias(tuple, (get_args(into)[0], ...))
    values = spec.values(answer["schema"], always=contract.needed_in(into))
    value = data.draw(values)
    chance = Random(seed)  # noqa: S311 - no secret is made
    for _ in range(chance.randrange(4)):
        value = mutated(value, chance)

    found = outcome(json.dumps(value).encode(), into)

    if not isinstance(found, UnexpectedResponseError):
        assert outcome(_as_json(unstructure(found)), into) == found


# Not strings, msgspec's default: in a field of any type, they would be read as strings.
_as_json: Final = msgspec.json.Encoder(decimal_format="number").encode

_BYTES = st.binary(max_size=200) | st.text(max_size=100).map(str.encode)


@settings(max_examples=300)
@given(st.sampled_from(INTOS), _BYTES)
@example(object, b"")
def test_any_bytes_are_decoded_or_refused(into: Any, body: bytes) -> None:
    """M1: a short run; `fuzz_answers.py` runs longer."""
    outcome(body, into)


@settings(max_examples=300)
@given(st.sampled_from(INTOS), st.sampled_from([body for _, body in typed_examples()]), st.data())
def test_mutated_bytes_are_decoded_or_refused(into: Any, body: bytes, data: st.DataObject) -> None:
    """M1: the specification's examples, truncated and changed."""
    at = data.draw(st.integers(0, len(body)))
    more = data.draw(st.binary(max_size=3))
    skipped = data.draw(st.integers(0, 3))

    outcome(body[:at] + more + body[at + skipped :], into)


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
_DATES: Final = (
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 9999 08:49:37 GMT",
    "Sun, 06 Nov 0000 08:49:37 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun, 06 Xyz 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 99:99:99 GMT",
)
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Retry-After": _TEXT | st.integers(-5, 10**8).map(str) | st.sampled_from(["1e9", *_DATES]),
        "Date": _TEXT | st.sampled_from(_DATES),
        "Content-Type": _TEXT | st.sampled_from(["text/html", "application/json; charset=x"]),
        "Content-Encoding": _TEXT | st.sampled_from(["identity", "gzip", "GZIP "]),
        "Location": _TEXT | st.sampled_from(["/v2/x", "//canary.example/", "http://[", "\\\\a"]),
        "X-Correlation-Id": _TEXT,
        "Set-Cookie": _TEXT,
    },
)


@settings(max_examples=200)
@pytest.mark.parametrize("backend", virtual.BACKENDS)
@given(st.sampled_from([200, 202, 204, 302, 400, 401, 429, 500, 503]), _HEADERS)
def test_any_header_is_used_or_ignored(backend: str, status: int, headers: dict[str, str]) -> None:
    """M5: the call meets its deadline and raises only our errors."""

    async def answered(_: httpx.Request) -> httpx.Response:
        lines = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
        return httpx.Response(status, headers=lines, stream=_Nothing())

    async def call() -> float:
        began = anyio.current_time()
        async with Sikoia(
            environment=local("https://127.0.0.1:1"),
            token="t",
            timeout=30,
            transport=httpx.MockTransport(answered),
        ) as sikoia:
            with suppress(SikoiaError):
                await sikoia.request("GET", "/v2/cases")
            return anyio.current_time() - began

    name, options = virtual.BACKENDS[backend]()
    assert anyio.run(call, backend=name, backend_options=dict(options)) <= 30.1


class _Nothing(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{}"
