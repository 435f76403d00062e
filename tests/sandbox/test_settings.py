"""The settings of the local Sikoia."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, get_type_hints

import attrs
import pytest

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire, create_app
from sikoia_async.sandbox.settings import Options, Settings


def test_every_setting_is_an_option() -> None:
    """The keyword arguments have the names and types of the settings; the URL is separate."""
    settings = get_type_hints(Settings)
    del settings["url"]

    assert get_type_hints(Options) == settings
    assert {name for name, hint in settings.items() if attrs.has(hint)} == set(_GROUPS)


def test_settings_are_fixed() -> None:
    """They are copied when the local Sikoia is created."""
    retries = [1.0]
    settings = Settings(wire=Wire(delivery_retries=retries))
    retries.append(2.0)

    assert settings.wire.delivery_retries == (1.0,)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.seed = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_settings_show_no_secret() -> None:
    """The representation has neither the client secret nor the API key."""
    shown = repr(Settings(credentials=Credentials(client_secret="sesame", api_key="legacy")))

    assert "sesame" not in shown
    assert "legacy" not in shown


_GROUPS: Final[dict[str, Any]] = {
    "rate": Rate,
    "time": Time,
    "credentials": Credentials,
    "wire": Wire,
}
_NAIVE: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - refused
_LATE: Final = datetime(9000, 1, 1, tzinfo=UTC)
_NO_TEXT: Final[list[Any]] = [b"canary", 0, True, 1.5, [], {}, object()]
_NO_NUMBER: Final[list[Any]] = [None, "1", b"1", True, [], {}, object(), Decimal(1), math.nan, -1]
_NO_FLAG: Final[list[Any]] = [None, "no", 0, 1, []]
_NO_LIST: Final[list[Any]] = [None, 1, True, "canary", b"canary", {}, {1}]
_INVALID: Final[dict[str, list[Any]]] = {
    **{name: [None, {}, True, "canary", object()] for name in _GROUPS},
    "seed": [None, "1", True, 1.5, b"1", []],
    "work_time": [
        *(one for one in _NO_NUMBER if one != {}),
        {"canary": 1},
        {1: 1},
        {"identity": -1},
        {"identity": None},
    ],
    "prices": [1, "canary", [], {1: 1}],
    "scenarios": [*_NO_LIST, [1], [None], [b"canary"]],
}
_INVALID_IN_GROUPS: Final[dict[str, list[Any]]] = {
    "client_id": [*_NO_TEXT, "", " ", "canary\n", " canary"],
    "client_secret": [*_NO_TEXT, "", "canary\0"],
    "api_key": [*_NO_TEXT, "", "two words", "canary\n", "\u00e9"],
    "token_life": [*_NO_NUMBER, math.inf, 1e300, 10**400],
    "requests_per_window": [*_NO_NUMBER, 1.0, math.inf],
    "window": [*_NO_NUMBER, 0, math.inf, 10**400],
    "window_key": [None, "canary", 1, []],
    "retry_after": _NO_FLAG,
    "echo_correlation": _NO_FLAG,
    "idempotency_header": [*_NO_TEXT, "", "two words", "canary:", "\u00e9"],
    "idempotency_reuse": [None, "canary", 1, []],
    "refer_fails": _NO_FLAG,
    "all_completeness_rules": _NO_FLAG,
    "answers_202": _NO_FLAG,
    "refuse_insights_without_data": _NO_FLAG,
    "refuse_refresh_after_expiry": _NO_FLAG,
    "return_url": [*_NO_TEXT, "", "/canary", "ftp://canary.example/", "https://a b/", "https://;/"],
    "picklist_base": [*_NO_NUMBER, 2, 0.0],
    "clock": [1, "canary", lambda: None, lambda: "canary"],
    "speed": [*_NO_NUMBER, 10**400, math.inf],
    "epoch": [0, "2026-01-01", date(2026, 1, 1), _NAIVE, _LATE],
    "delivery_retries": [*_NO_LIST, ["1"], [-1], [None], [True], [math.inf], [math.nan]],
    "delivery_timeout": [*_NO_NUMBER, 0, math.inf, 10**400],
    "event_shape": [None, "canary", 1, set],
}


def test_every_setting_is_validated() -> None:
    """Nothing is left to fail in the middle of a request."""
    assert set(_INVALID) == set(get_type_hints(Options))
    assert set(_INVALID_IN_GROUPS) == {
        field.name for group in _GROUPS.values() for field in attrs.fields(group)
    }


@pytest.mark.parametrize("name", _INVALID)
def test_an_invalid_setting_is_refused(name: str) -> None:
    """By the constructor already, and by the application in memory."""
    for value in _INVALID[name]:
        given: Any = {name: value}
        with pytest.raises(ValueError, match=rf"^{name}: ") as caught:
            Sandbox(**given)
        with pytest.raises(ValueError, match=rf"^{name}: "):
            create_app(**given)

        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", _INVALID_IN_GROUPS)
def test_an_invalid_setting_in_a_group_is_refused(name: str) -> None:
    """When the group is created."""
    group = next(one for one in _GROUPS.values() if name in attrs.fields_dict(one))
    for value in _INVALID_IN_GROUPS[name]:
        with pytest.raises(ValueError, match=rf"^{name}: ") as caught:
            group(**{name: value})

        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", None),
        ("host", 127),
        ("host", "canary.example"),
        ("port", None),
        ("port", "1"),
        ("port", True),
        ("inspector", 8401),
        ("inspector_port", None),
        ("inspector_port", 1.5),
    ],
)
def test_invalid_arguments_of_the_server_are_refused(name: str, value: Any) -> None:
    """Before a socket is opened."""
    given: Any = {name: value}
    with pytest.raises(ValueError, match=rf"^{name}: expected") as caught:
        Sandbox(**given)

    assert "canary" not in str(caught.value)


def test_unknown_arguments_are_refused_at_once() -> None:
    """A misspelt one is not ignored until the block begins."""
    unknown: Any = {"limits": 1}
    with pytest.raises(TypeError, match="limits"):
        Sandbox(**unknown)
