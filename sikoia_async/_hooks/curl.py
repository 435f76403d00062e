"""A request as one `curl` command, for logs and the command line.

Unless it is to be revealed, only what is on a list is shown: enums, codes, numbers and switches of
the API, and the correlation id. Credentials, ids, names of people and companies, and everything
that this SDK does not know become `***`, and ids in the path its placeholders.
"""

from __future__ import annotations

import json
import re
from shlex import quote
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, quote_plus

from sikoia_async._codec.vocabulary import NAMES
from sikoia_async._logging import without_ids
from sikoia_async._transport.types import state_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

__all__ = ["SHOWN", "curl_command"]

_HIDDEN: Final = "***"
_LONGEST_ARGUMENT: Final = 100_000
"""Bytes of a body that is an argument; Linux accepts 131,072 for one argument."""

_FIELDS: Final = """
    add_directors branch case_type complete completed date_established document_type
    entity_type event_status event_types exclude_inactive fuzziness index is_officer items_per_page
    jurisdiction_code media_adverse_requested monitored number_of_officers number_of_owners
    owner_type pagination_direction pep_sanction_requested picklist_index registry_search
    source_category_type stage verification_status
"""
SHOWN: Final = frozenset(_FIELDS.split())
"""The fields of requests whose values are shown. None of them is personal in any model, and the
names of companies and references of the caller's are left out. A test compares it with the models.
"""
_SHORT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._,+-]{0,99}")
"""A value of such a field; others, such as those with blanks, may belong elsewhere."""
_ENTITY_TYPES: Final = frozenset({"Cases", "Companies", "Persons"})
_SHOWN_HEADERS: Final = frozenset({"accept", "content-type", "x-correlation-id"})
_LEFT_OUT: Final = frozenset({"accept-encoding", "connection", "content-length", "host"})
"""Headers that curl sets itself."""
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_NOT_PRINTABLE_ASCII: Final = re.compile(r"[^\t\n\r -~]")


def curl_command(
    request: httpx.Request, *, reveal: bool = False, ca_file: str | None = None
) -> str:
    """Return a request as a command for a POSIX shell: one line, unless its body has several.

    Args:
        request: a request of this SDK, with the headers that its hooks have set.
        reveal: show it as it is sent. A body that is streamed, or longer than an argument may be,
            is then read from standard input.
        ca_file: a file with the certificate authorities to trust.
    """
    headers = request.headers.raw
    words = ["curl"]
    if request.method != "GET":
        words += ["-X", request.method]
    if ca_file is not None:
        words += ["--cacert", ca_file]
    if any(name.lower() == b"accept-encoding" and b"gzip" in value for name, value in headers):
        words.append("--compressed")
    url = str(request.url) if reveal else _masked_url(request)
    words += ["--globoff", url] if set("[]{}") & set(url) else [url]
    for name, value in headers:
        words += _header(name.decode("latin-1"), value.decode("latin-1"), reveal=reveal)
    words += _body(request, reveal=reveal)
    return " ".join(map(quote, words))


def _masked_url(request: httpx.Request) -> str:
    url = request.url
    origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
    path = _masked_path(url.path, state_of(request).path)
    pairs = parse_qsl(url.query.decode("ascii"), keep_blank_values=True)
    query = "&".join(
        f"{_masked_name(name)}={quote_plus(str(_masked(name, value)), safe='*,')}"
        for name, value in pairs
    )
    return origin + path + (f"?{query}" if query else "")


def _masked_path(path: str, template: str) -> str:
    """Return a template with the type of entity filled in, after the prefix of a gateway if any."""
    known, sent = template.split("/"), path.split("/")
    start = len(sent) - len(known) + 1
    pairs = list(zip(known[1:], sent[max(start, 0) :], strict=False))
    is_same = all(one == wanted or wanted.startswith("{") for wanted, one in pairs)
    if (
        not template.startswith("/") or start < 1 or not is_same
    ):  # a link, or the path of a redirect to elsewhere
        return f"/{_HIDDEN}"
    shown = [one if one in _ENTITY_TYPES else wanted for wanted, one in pairs]
    return without_ids("/".join([*sent[:start], *shown]))


def _header(name: str, value: str, *, reveal: bool) -> list[str]:
    lower = name.lower()
    if lower in _LEFT_OUT:
        return []
    if lower == "user-agent" and not reveal:
        return []
    if value and not reveal and lower not in _SHOWN_HEADERS:
        value = f"Bearer {_HIDDEN}" if value.startswith("Bearer ") else _HIDDEN
    return ["-H", f"{name}: {value}" if value else f"{name};"]  # curl drops a header with a colon


def _body(request: httpx.Request, *, reveal: bool) -> list[str]:
    content = state_of(request).content
    if not content:
        return ["--data-raw", ""] if request.method in _WITH_BODY else []
    if not isinstance(content, bytes):
        return ["--data-binary", "@-"] if reveal else ["--data-raw", _HIDDEN]
    if not reveal:
        return ["--data-raw", _masked_body(content)]
    if len(content) > _LONGEST_ARGUMENT:
        return ["--data-binary", "@-"]
    # In JSON, such characters are parts of strings, where an escape means the same.
    text = _NOT_PRINTABLE_ASCII.sub(lambda one: json.dumps(one[0])[1:-1], content.decode())
    return ["--data-raw", text]


def _masked_body(content: bytes) -> str:
    try:
        body: Any = json.loads(content)
    except ValueError:
        return _HIDDEN
    return json.dumps(_masked("", body), separators=(",", ":"))


def _masked(name: str, value: Any) -> Any:
    """Return what may be shown of a value.

    Args:
        name: of the field or parameter that has it; empty for a whole body.
        value: as JSON.
    """
    if isinstance(value, dict | list) and _is_known(name):
        return _masked_parts(name, value)
    plain = cast("str | int | float | None", value)
    if plain is None or plain == "":
        return plain
    is_odd = isinstance(plain, str) and not _SHORT.fullmatch(plain)
    return plain if name in SHOWN and not is_odd else _HIDDEN


def _masked_parts(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(name, one) for one in cast("Iterable[Any]", value)]
    fields = cast("Mapping[str, Any]", value)
    return {_masked_name(one): _masked(one, part) for one, part in fields.items()}


def _masked_name(name: str) -> str:
    return name if _is_known(name) else _HIDDEN


def _is_known(name: str) -> bool:
    """Return whether a name is one of the API's; others may be anything."""
    return name.replace("_", "").lower() in NAMES or not name
