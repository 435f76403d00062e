"""The cattrs converter: structures the values that msgspec refuses, and serialises requests.

It is loaded on first use, because most processes never need it and importing cattrs takes 15 ms.
"""

from collections.abc import Callable
from typing import Any, Final

import attrs
from cattrs.gen import make_dict_unstructure_fn
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from sikoia_async._codec.scalars import READERS

__all__ = ["structure_hook", "unstructure"]


def structure_hook(wanted: Any) -> Callable[[object, Any], Any]:
    """Return cattrs's hook for a type: it takes a plain value, and the type.

    For scalars it repairs the forms that the API is known to send.
    """
    return _converter.get_structure_hook(wanted)


def unstructure(model: Any) -> Any:
    """Turn a model into a JSON value without the fields that have their default value."""
    return _converter.unstructure(model)


def _make() -> MsgspecJsonConverter:
    converter = make_converter()

    def without_defaults(wanted: Any) -> Callable[[Any], Any]:
        return make_dict_unstructure_fn(wanted, converter, _cattrs_omit_if_default=True)

    converter.register_unstructure_hook_factory(attrs.has, without_defaults)
    for kind, read in READERS.items():
        converter.register_structure_hook(kind, _hook(read))
    return converter


def _hook(read: Callable[[object], Any]) -> Callable[[object, Any], Any]:
    return lambda value, _: read(value)


_converter: Final = _make()
