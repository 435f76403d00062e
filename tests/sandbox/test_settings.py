"""The settings of the local Sikoia."""

import math
from typing import get_type_hints

import attrs
import pytest

from sikoia_async.sandbox import create_app
from sikoia_async.sandbox.settings import Options, Settings


def test_every_setting_is_an_option() -> None:
    """The keyword arguments have the names and types of the settings; the URL is separate."""
    settings = get_type_hints(Settings)
    del settings["url"]

    assert get_type_hints(Options) == settings


def test_settings_are_fixed() -> None:
    """They are copied when the local Sikoia is created."""
    retries = [1.0]
    settings = Settings(delivery_retries=retries)
    retries.append(2.0)

    assert settings.delivery_retries == (1.0,)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.seed = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_settings_show_no_secret() -> None:
    """The representation has neither the client secret nor the API key."""
    shown = repr(Settings(client_secret="sesame", api_key="legacy"))

    assert "sesame" not in shown
    assert "legacy" not in shown


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_an_invalid_delivery_timeout_is_refused(seconds: float) -> None:
    """It must be finite and positive."""
    with pytest.raises(ValueError, match="delivery_timeout: expected seconds, more than zero"):
        create_app(delivery_timeout=seconds)
