"""An HTTP archive of what was asked: HAR 1.2, which browsers and many tools read.

http://www.softwareishard.com/blog/har-12-spec/ says what is in one.
"""

import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from http.client import responses
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from sikoia_async.sandbox.ledger.asked import Asked, Content, Headers

__all__ = ["har_of", "write"]

Json = dict[str, Any]
Requests = Iterable[tuple[Asked, Content | None]]

_COMMENT = (
    "Times are those of the clock of the local Sikoia. Secrets are redacted. Of headers and bodies "
    "the latest 32 MiB are kept; entries without them say so."
)
_GONE = "headers and bodies were not kept: later ones took their place"
_NO_ANSWER = "no answer came"
_NOTHING = Content(sent=b"", answered=b"", sent_headers=b"", answered_headers=b"")
# What a URL has in it besides letters and digits, of which some is encoded already; RFC 3986, 2.
_IN_URLS = "-._~:/?@!$&'()*+,;=%"


def har_of(requests: Requests, url: str) -> Json:
    """Make the archive.

    Args:
        requests: What was asked, with what was sent and answered, where it was kept.
        url: Where the local Sikoia is reached.
    """
    return {"log": {**_head(), "entries": list(_entries(requests, url))}}


def write(path: str | os.PathLike[str], requests: Requests, url: str) -> None:
    """Write an archive to a file, whole or not at all; each request has a line of its own.

    Args:
        path: Of the file.
        requests: As for `har_of`.
        url: The same.

    Raises:
        OSError: It cannot be written.
    """
    target = Path(path)
    # Such a file is its owner's alone.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # By and by: the whole archive takes many times the memory of a ledger.
            file.write(f'{{"log": {json.dumps(_head())[:-1]}, "entries": [')
            for number, entry in enumerate(_entries(requests, url)):
                file.write(",\n" if number else "\n")
                file.write(json.dumps(entry, ensure_ascii=False))
            file.write("\n]}}\n")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _head() -> Json:
    return {
        "version": "1.2",
        "creator": {"name": "sikoia-async", "version": version("sikoia-async")},
        "comment": _COMMENT,
    }


def _entries(requests: Requests, url: str) -> Iterator[Json]:
    return (_entry(asked, content, url) for asked, content in requests)


def _entry(asked: Asked, content: Content | None, url: str) -> Json:
    milliseconds = round((asked.seconds or 0) * 1000, 3)
    comments = ([] if content else [_GONE]) + ([_NO_ANSWER] if asked.status is None else [])
    kept = content or _NOTHING
    return {
        "startedDateTime": asked.moment.isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(asked, kept, url, is_known=content is not None),
        "response": _response(asked, kept, is_known=content is not None),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        **({"comment": "; ".join(comments)} if comments else {}),
        # Names with an underscore are for whoever makes an archive.
        "_number": asked.number,
        "_operation": asked.operation,
        "_cost": asked.cost,
        "_fault": asked.fault,
        "_sent_correlation_id": asked.sent_correlation_id,
        "_correlation_id": asked.correlation_id,
    }


def _request(asked: Asked, content: Content, url: str, *, is_known: bool) -> Json:
    query = f"?{asked.query}" if asked.query else ""
    request: Json = {
        "method": asked.method,
        "url": quote(f"{url}{asked.path}{query}", safe=_IN_URLS),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(content.sent_headers),
        "queryString": _pairs(parse_qsl(asked.query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(content.sent) if is_known else -1,
    }
    if content.sent:
        text, encoding = _text(content.sent)
        # The field for the encoding is that of the answer: HAR 1.2 has none for what was sent.
        own = {f"_{name}": value for name, value in encoding.items()}
        posted = {"mimeType": _media_type(content.sent_headers), "text": text, **own}
        request["postData"] = posted
    return request


def _response(asked: Asked, content: Content, *, is_known: bool) -> Json:
    status = asked.status or 0
    text, encoding = _text(content.answered)
    return {
        "status": status,
        "statusText": responses.get(status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(content.answered_headers),
        "content": {
            "size": len(content.answered),
            "mimeType": _media_type(content.answered_headers),
            **({"text": text, **encoding} if content.answered else {}),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(content.answered) if is_known else -1,
    }


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in pairs]


def _media_type(headers: Headers) -> str:
    found = [value for name, value in headers if name.lower() == "content-type"]
    return found[0] if found else "application/octet-stream"


def _text(body: bytes) -> tuple[str, Json]:
    """Write a body as text, or in base64, with the field that says so."""
    try:
        return body.decode(), {}
    except UnicodeDecodeError:
        return b64encode(body).decode(), {"encoding": "base64"}
