"""Requests as `curl` commands: what is shown of them, and that they can be run."""

import json
import shlex
import shutil
import ssl
from collections.abc import Iterator
from typing import Any, Final

import anyio
import httpx
import pytest
from every_method import ID, MARK, failure_of
from faults import TOKEN, request_to

from sikoia_async import NewPerson, Sikoia
from sikoia_async._hooks.curl import SHOWN, curl_command
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, options
from sikoia_async._transport.types import state_of
from sikoia_async.environments import local
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing.cassettes.operations import OPERATIONS

pytestmark = pytest.mark.anyio

_URL: Final = "https://api.example/v2/cases"
_ODD: Final = 'O\'Hara "$HOME" `id` \\ %s {a,b} [1-9]\n\x07\x7f é 😀 @file'
"""Characters that are special for shells, curl, JSON or terminals."""


class _Captured(httpx.AsyncBaseTransport):
    """Keeps requests as they are sent."""

    def __init__(self) -> None:
        self.requests = list[httpx.Request]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={})


async def _requests(**options: Any) -> list[httpx.Request]:
    """Return a request of every operation."""
    transport = _Captured()
    async with Sikoia(token=TOKEN, transport=transport, quota=None, **options) as sikoia:
        for operation in OPERATIONS:
            await failure_of(sikoia, operation)
    return transport.requests


async def test_no_operation_shows_arguments_or_credentials() -> None:
    """Neither names nor ids nor the token; the correlation id and the operation are shown."""
    requests = await _requests(headers={"X-Gateway": f"{MARK}-key"}, app_info=MARK)
    commands = [curl_command(request) for request in requests]

    assert len(commands) > 60
    for command in commands:
        assert MARK not in command
        assert ID not in command
        assert TOKEN not in command
        assert "X-Correlation-Id: " in command
    paths = {httpx.URL(_url(command)).path for command in commands}
    assert "/v2/Persons/{entity_id}/documents" in paths
    assert len(paths) > 45


async def test_every_operation_can_be_revealed() -> None:
    """The words of the command are the parts of the request, whatever is in them."""
    for request in await _requests():
        words = _words(curl_command(request, reveal=True))
        content = words.pop() if words[-2].startswith("--data") else ""

        assert _url(shlex.join(words)) == str(request.url)
        assert f"Authorization: Bearer {TOKEN}" in words
        sent = state_of(request).read()
        assert content in {sent.decode(), "@-"}


async def test_enums_codes_and_numbers_are_shown() -> None:
    """They say what was asked for, and not about whom."""
    body = {
        "case_type": "Business",
        "stage": MARK + " Wilhelmina",
        "fuzziness": 0.5,
        "monitored": None,
        "name": "",
        "persons": [{"first_name": MARK, "is_officer": True, "colour": {"stage": "New"}}],
        MARK: "New",
        "companies": MARK,
    }
    request = request_to(
        f"https://api.example/gateway/v2/Persons/{ID}/income-employer?stage=New%2CDone&{MARK}=New",
        "POST",
        headers={"apikey": TOKEN, "X-Empty": "", "Authorization": f"Bearer {TOKEN}"},
        content=json.dumps(body).encode(),
        path="/v2/{entity_type}/{entity_id}/income-employer",
    )

    words = _words(curl_command(request))

    assert words[:5] == [
        "curl",
        "-X",
        "POST",
        "--globoff",
        "https://api.example/gateway/v2/Persons/{entity_id}/income-employer?stage=New,Done&***=***",
    ]
    assert words[5:-2] == [
        *("-H", "apikey: ***", "-H", "X-Empty;", "-H", "Authorization: Bearer ***"),
    ]
    assert json.loads(words[-1]) == {
        "case_type": "Business",
        "stage": "***",
        "fuzziness": 0.5,
        "monitored": None,
        "name": "",
        "persons": [{"first_name": "***", "is_officer": True, "***": "***"}],
        "***": "***",
        "companies": "***",
    }


@pytest.mark.parametrize(
    ("path", "template", "shown"),
    [
        (f"/v2/cases/{ID}", "/v2/cases/{case_id}", "/v2/cases/{case_id}"),
        (f"/{ID}/v2/cases/a", "/v2/cases/{case_id}", "/{id}/v2/cases/{case_id}"),
        (f"/v2/tasks/{MARK}", "/v2/documents/{document_id}", "/***"),
        ("/tasks", "/v2/documents/{document_id}", "/***"),
        (f"/{MARK}/file", "(link)", "/***"),
        (f"/{MARK}/file", "", "/***"),
    ],
    ids=["template", "gateway", "redirect", "short", "link", "unknown"],
)
async def test_ids_in_paths_are_not_shown(path: str, template: str, shown: str) -> None:
    """The path is that of the template; a redirect and a link are hidden as a whole."""
    request = request_to(f"https://files.example{path}", path=template)

    assert _url(curl_command(request)) == f"https://files.example{shown}"


@pytest.mark.parametrize(
    ("content", "reveal", "shown"),
    [
        (b"", False, ["--data-raw", ""]),
        (b"a=b&" + MARK.encode(), False, ["--data-raw", "***"]),
        (b'"%b"' % MARK.encode(), False, ["--data-raw", '"***"']),
        ((b"{", b"}"), False, ["--data-raw", "***"]),
        ((b"{", b"}"), True, ["--data-binary", "@-"]),
        (b"{}" + b" " * 100_000, True, ["--data-binary", "@-"]),
    ],
    ids=["none", "no JSON", "a string", "streamed", "streamed, revealed", "long, revealed"],
)
async def test_other_bodies_are_hidden_or_read_from_standard_input(
    content: Any, reveal: bool, shown: list[str]
) -> None:
    """An argument has a maximum length, and a stream is read once."""
    request = request_to(_URL, "POST", content=content, path="/v2/cases")

    assert _words(curl_command(request, reveal=reveal))[-2:] == shown


def test_the_fields_that_are_shown_are_not_personal() -> None:
    """Every enum, number, switch and date of a request is on the list unless a model marks it."""
    personal, plain, texts = set[str](), set[str](), set[str]()
    for operation in OPERATIONS:
        for name, one in operation.parameters.items():
            for field, shape, is_personal in _leaves(name, one.shape, is_personal=one.is_personal):
                is_text = isinstance(shape, shapes.Scalar) and shape.type is str
                (personal if is_personal else texts if is_text else plain).add(field)

    assert SHOWN.isdisjoint(personal)
    assert plain - personal - {"file", *texts} <= SHOWN
    assert SHOWN - plain == {"jurisdiction_code"}


def _leaves(name: str, shape: Shape, *, is_personal: bool) -> Iterator[tuple[str, Shape, bool]]:
    for one in options(shape):
        match one:
            case shapes.ListOf(_, item):
                yield from _leaves(name, item, is_personal=is_personal)
            case shapes.Object():
                for field in one.fields:
                    yield from _leaves(field.name, field.shape, is_personal=field.is_personal)
            case _:
                yield name, one, is_personal


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_repeats_a_request() -> None:
    """Sikoia gets the same request again, with every character that a shell treats specially."""
    captured = list[httpx.Request]()

    async def capture(request: httpx.Request) -> None:
        captured.append(request)

    with Sandbox() as sandbox:
        tls = ssl.create_default_context(cafile=sandbox.ca_file)
        hooks: Any = {"request": [capture]}
        async with (
            httpx.AsyncClient(verify=tls, event_hooks=hooks) as http,
            Sikoia(
                sandbox.client_id,
                sandbox.client_secret,
                environment=local(sandbox.url),
                http_client=http,
            ) as sikoia,
        ):
            await sikoia.cases.create(
                name=_ODD, case_type="Consumer", persons=[NewPerson(first_name=_ODD, last_name="?")]
            )
        command = curl_command(captured[-1], reveal=True, ca_file=str(sandbox.ca_file))
        await anyio.run_process(["sh", "-c", command])
        sent, repeated = sandbox.ledger[-2:]
        bodies = [sandbox.ledger.content(one.number) for one in (sent, repeated)]

    assert command.isascii()
    assert "\n" not in command
    assert (repeated.method, repeated.path, repeated.status) == (sent.method, sent.path, 201)
    first, second = (json.loads(one.request_body) for one in bodies if one)
    assert first == second
    assert repeated.correlation_id == sent.correlation_id


def _words(command: str) -> list[str]:
    return shlex.split(command)


def _url(command: str) -> str:
    return next(word for word in _words(command) if word.startswith("http"))
