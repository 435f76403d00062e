"""The headers and bodies that the ledger keeps: the latest ones, up to a limit."""

from collections import OrderedDict
from collections.abc import Mapping

from sikoia_async.sandbox.ledger.personal_data import PersonalValue, personal_values_in_json
from sikoia_async.sandbox.ledger.recorded_request import Content

__all__ = ["Contents"]


class Contents:
    """Headers and bodies by the number of their request.

    When the limit is exceeded, the oldest are dropped; only their personal values are remembered.

    Args:
        max_bytes: How much memory to use.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._contents: OrderedDict[int, Content] = OrderedDict()
        self._size = 0
        self._dropped_values: set[PersonalValue] = set()

    def get(self, number: int) -> Content | None:
        """Return the content of a request, or None if it was dropped."""
        return self._contents.get(number)

    def add(self, number: int, content: Content) -> None:
        """Keep the content of a request, and drop the oldest if it does not fit."""
        self._contents[number] = content
        self._size += content.size
        while self._size > self._max_bytes:
            _, oldest = self._contents.popitem(last=False)
            self._size -= oldest.size
            self._dropped_values.update(personal_values_in_json(oldest.request_body))

    def request_bodies(self) -> list[bytes]:
        """Return the request bodies that are still there."""
        return [content.request_body for content in self._contents.values()]

    def dropped_values(self) -> set[PersonalValue]:
        """Return the personal values in request bodies that were dropped."""
        return set(self._dropped_values)

    def clear(self) -> None:
        """Forget everything."""
        self._contents.clear()
        self._size = 0
        self._dropped_values.clear()

    def save(self) -> tuple[dict[int, Content], frozenset[PersonalValue]]:
        """Return everything, for `restore`."""
        return dict(self._contents), frozenset(self._dropped_values)

    def restore(
        self, contents: Mapping[int, Content], dropped_values: frozenset[PersonalValue]
    ) -> None:
        """Replace everything with what `save` returned."""
        self.clear()
        self._dropped_values.update(dropped_values)
        for number, content in contents.items():
            self.add(number, content)
