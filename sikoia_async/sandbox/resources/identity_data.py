"""The outcomes and findings of identity verifications; the outcome depends on the scenario."""

from datetime import datetime
from random import Random
from typing import NamedTuple

from sikoia_async.sandbox.resources.files import File, link
from sikoia_async.sandbox.resources.records import full_name
from sikoia_async.sandbox.scenarios.scenario import Identity
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

_LINK_MINUTES = 30


class Outcome(NamedTuple):
    """The outcome of a verification."""

    status: str
    verification_status: str | None
    message: str | None = None


_OUTCOMES: dict[Identity, Outcome] = {
    "Approved": Outcome("Complete", "Approved"),
    "Declined": Outcome("Complete", "Declined"),
    "ResubmissionRequested": Outcome("Complete", "ResubmissionRequested"),
    "Expired": Outcome("Expired", "NotCompleted", "The link has expired."),
    "Failed": Outcome("Failed", None, "The provider could not be reached."),
}
_PENDING = Outcome("Pending", None)
_REMARKS = {
    "Approved": ("9001", "The document is genuine and shows the same face."),
    "Declined": ("9102", "The document shows another face."),
    "ResubmissionRequested": ("9103", "The pictures are blurred."),
}
MEDIA = (
    File("document_front", b"\xff\xd8\xff\xd9", "image/jpeg"),
    File("selfid_video", b"\x1a\x45\xdf\xa3", "video/webm"),
)
"""The pictures and videos of each verification."""


def outcome(decision: Identity, *, is_done: bool) -> Outcome:
    """Return the outcome of a verification, which is pending until it is done."""
    return _OUTCOMES[decision] if is_done else _PENDING


def findings(
    state: State, request: Record, decision: str | None, decided: datetime | None
) -> Record | None:
    """Return the findings, with new links to media; None if there was no decision."""
    if decision is None or decided is None:
        return None
    remark = _REMARKS.get(decision)
    draw = state.draw("identity", request["person_id"])
    return {
        "verification_status": decision,
        "acceptance_time": long_timestamp(request["datetime_requested"]),
        "decision_time": long_timestamp(decided) if remark else None,
        "person": _person(draw, request["_person"]) if remark else None,
        "document": _document(draw, request["country_code"] or "GB") if remark else None,
        "media": _media(state, request["request_id"], decided) if remark else [],
        "meta_data": {"status_codes": [_code(*remark)] if remark else []},
    }


def _person(draw: Random, person: Record) -> Record:
    drawn_birth = f"{draw.randint(1950, 2000)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
    birth = person["date_of_birth"] or drawn_birth
    year, month, day = (int(part) for part in birth.split("-"))
    address = person["postal_address"] or {"summary_line": "1 Placeholder Street, Exampleton"}
    return {
        "first_name": person["first_name"],
        "surname": person["last_name"],
        "full_name": full_name(person),
        "date_of_birth": birth,
        "birth_year": year,
        "birth_month": month,
        "birth_day": day,
        "place_of_birth": "Exampleton",
        "gender": draw.choice(("F", "M", None)),
        "nationality": "British",
        "address": address["summary_line"],
    }


def _document(draw: Random, country_code: str) -> Record:
    issued = draw.randint(2018, 2024)
    return {
        "type": "Passport",
        "number": f"{draw.randint(0, 999_999_999):09}",
        "country_code": country_code,
        "date_of_issue": f"{issued}-03-01",
        "date_of_expiry": f"{issued + 10}-03-01",
    }


def _media(state: State, request_id: str, uploaded: datetime) -> list[Record]:
    return [
        {
            "mime_type": file.media_type,
            "type": file.name,
            "size": len(file.content),
            "upload_date": long_timestamp(uploaded),
            "uri": link(state, "identity", request_id, minutes=_LINK_MINUTES, number=number),
            "uri_expiry_in_minutes": _LINK_MINUTES,
        }
        for number, file in enumerate(MEDIA)
    ]


def _code(value: str, description: str) -> Record:
    return {"value": value, "type": "Decision.Remark", "description": description}
