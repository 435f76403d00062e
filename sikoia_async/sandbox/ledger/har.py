"""Exports the ledger as an HTTP archive (HAR 1.2), which browsers and many tools read.

The format: http://www.softwareishard.com/blog/har-12-spec/
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

from sikoia_async.sandbox.ledger.recorded_request import Content, Headers, RecordedRequest

__all__ = ["to_har", "write_har"]

Json = dict[str, Any]
Requests = Iterable[tuple[RecordedRequest, Content | None]]

_COMMENT = (
    "Times are those of the local Sikoia's clock. Secrets are redacted. Only the latest headers "
    "and bodies are kept; entries without them have a comment."
)
_DROPPED = "headers and bodies were dropped to make room for later ones"
_NO_RESPONSE = "no response"
_EMPTY = Content(request_body=b"", response_body=b"", request_headers=b"", response_headers=b"")
# Characters to leave alone in a URL that is partly encoded already; RFC 3986, section 2.
_IN_URLS = "-._~:/?@!$&'()*+,;=%"


def to_har(requests: Requests, url: str) -> Json:
    """Return the archive.

    Args:
        requests: The requests, each with its headers and bodies if they were kept.
        url: The base URL of the local Sikoia.
    """
    return {"log": {**_head(), "entries": list(_entries(requests, url))}}


def write_har(path: str | os.PathLike[str], requests: Requests, url: str) -> None:
    """Write the archive to a file, one request a line. The file is written whole or not at all.

    Args:
        path: Of the file.
        requests: As for `to_har`.
        url: As for `to_har`.

    Raises:
        OSError: The file cannot be written.
    """
    target = Path(path)
    # Only its owner may read such a file.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # Entry by entry: the whole archive would take many times the memory of the ledger.
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
    return (_entry(request, content, url) for request, content in requests)


def _entry(request: RecordedRequest, content: Content | None, url: str) -> Json:
    milliseconds = round((request.seconds or 0) * 1000, 3)
    comments = ([] if content else [_DROPPED]) + ([_NO_RESPONSE] if request.status is None else [])
    kept = content or _EMPTY
    return {
        "startedDateTime": request.moment.isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(request, kept, url, is_known=content is not None),
        "response": _response(request, kept, is_known=content is not None),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        **({"comment": "; ".join(comments)} if comments else {}),
        # HAR reserves names with an underscore for custom fields.
        "_number": request.number,
        "_operation": request.operation,
        "_cost": request.cost,
        "_fault": request.fault,
        "_sent_correlation_id": request.sent_correlation_id,
        "_correlation_id": request.correlation_id,
    }


def _request(recorded: RecordedRequest, content: Content, url: str, *, is_known: bool) -> Json:
    query = f"?{recorded.query}" if recorded.query else ""
    request: Json = {
        "method": recorded.method,
        "url": quote(f"{url}{recorded.path}{query}", safe=_IN_URLS),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(content.request_headers),
        "queryString": _pairs(parse_qsl(recorded.query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(content.request_body) if is_known else -1,
    }
    if content.request_body:
        text, encoding = _text(content.request_body)
        # HAR 1.2 has an encoding field for responses only, so this one is custom.
        custom = {f"_{name}": value for name, value in encoding.items()}
        media_type = _media_type(content.request_headers)
        request["postData"] = {"mimeType": media_type, "text": text, **custom}
    return request


def _response(recorded: RecordedRequest, content: Content, *, is_known: bool) -> Json:
    status = recorded.status or 0
    text, encoding = _text(content.response_body)
    return {
        "status": status,
        "statusText": responses.get(status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(content.response_headers),
        "content": {
            "size": len(content.response_body),
            "mimeType": _media_type(content.response_headers),
            **({"text": text, **encoding} if content.response_body else {}),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(content.response_body) if is_known else -1,
    }


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in pairs]


def _media_type(headers: Headers) -> str:
    values = [value for name, value in headers if name.lower() == "content-type"]
    return values[0] if values else "application/octet-stream"


def _text(body: bytes) -> tuple[str, Json]:
    """Return a body as UTF-8, or else as base64 with the field that says so."""
    try:
        return body.decode(), {}
    except UnicodeDecodeError:
        return b64encode(body).decode(), {"encoding": "base64"}
