"""Models in requests are validated field by field."""

from typing import Any

import attrs
import pytest

from sikoia_async.errors import ArgumentTypeError
from sikoia_async.models import Model
from sikoia_async.resources._request_models import validate_models


@attrs.frozen(kw_only=True)
class Sent(Model):
    """A request model with lists, and with a field that takes any JSON."""

    names: tuple[str, ...] | None = None
    anything: Any = 0


@pytest.mark.parametrize("fields", [{"names": ("a",)}, {"names": ["a"]}, {"anything": {"a": 1}}])
def test_lists_and_open_fields_are_accepted(fields: dict[str, Any]) -> None:
    """A list may be a tuple, and an open field takes any value."""
    sent = [Sent(**fields)]

    assert validate_models("sent", sent, Sent) is sent


@pytest.mark.parametrize("names", ["ab", ("a", 1), ("a", None), 5])
def test_a_list_of_another_type_is_refused(names: Any) -> None:
    """A string is not a list of strings, and every item is checked."""
    with pytest.raises(ArgumentTypeError, match=r"^sent: Sent\.names has the wrong type"):
        validate_models("sent", [Sent(names=names)], Sent)
