"""The cattrs converter, which serialises the models of requests.

It is loaded on first use, because most processes never need it and importing cattrs takes 15 ms.
"""

from collections.abc import Callable
from typing import Any, Final

import attrs
from cattrs.gen import make_dict_unstructure_fn
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

__all__ = ["unstructure"]


def unstructure(model: Any) -> Any:
    """Turn a model into a JSON value without the fields that have their default value."""
    return _converter.unstructure(model)


def _make() -> MsgspecJsonConverter:
    converter = make_converter()

    def without_defaults(wanted: Any) -> Callable[[Any], Any]:
        return make_dict_unstructure_fn(wanted, converter, _cattrs_omit_if_default=True)

    converter.register_unstructure_hook_factory(attrs.has, without_defaults)
    return converter


_converter: Final = _make()
