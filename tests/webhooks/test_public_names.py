"""`sikoia_async.webhooks`: its names, and where type checkers find them."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from sikoia_async import webhooks
from sikoia_async.webhooks import Event, WebhookEventName
from sikoia_async.webhooks.events import event_class

SOURCE = Path(webhooks.__file__).read_text("utf-8")


@pytest.mark.parametrize("name", webhooks.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    """It is loaded on first use, and kept."""
    value = getattr(webhooks, name)

    assert vars(webhooks)[name] is value


def test_type_checkers_see_the_same_names() -> None:
    """The imports that only they read are those of `__all__`."""
    imported = [
        alias.name
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("sikoia_async.")
        for alias in node.names
    ]

    assert sorted(imported) == sorted(webhooks.__all__) == dir(webhooks)


def test_every_event_class_is_public() -> None:
    """So that handlers can be annotated."""
    classes = [event_class(name) or Event for name in get_args(WebhookEventName)]

    assert {cls.__name__ for cls in classes} <= set(webhooks.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """So that `hasattr` works."""
    with pytest.raises(AttributeError, match=r"'sikoia_async.webhooks' has no attribute 'Rooter'"):
        _ = webhooks.Rooter
