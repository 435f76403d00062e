"""The base class by which the modules below `models` recognise a model."""

from typing import ClassVar, Final

__all__ = ["ModelBase", "RequestBody"]


class RequestBody:
    """Lets FastAPI take a parameter of a class of ours from the body of a request.

    Of classes that are not pydantic's own it takes only dataclasses from the body, others from the
    query, and it looks for `__get_pydantic_core_schema__` on generic classes only. So its question
    is answered with yes, and everybody else's with no: models are attrs classes.
    """

    def __get__(self, instance: object, owner: type) -> dict[str, object]:
        from inspect import currentframe  # noqa: PLC0415 - importing it takes long

        frame, callers = currentframe(), list[str]()
        while frame is not None and len(callers) <= _DEPTH:
            callers.append(frame.f_globals.get("__name__", ""))
            frame = frame.f_back
        if callers[1:2] == ["dataclasses"] and callers[-1].startswith(_ASKS):
            return {}
        msg = f"type object {owner.__name__!r} has no attribute '__dataclass_fields__'"
        raise AttributeError(msg)


class ModelBase:
    """Base class of `Model`. Shapes and exports cannot import `Model`, which is built on them."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[RequestBody] = RequestBody()


_ASKS: Final = ("fastapi._compat", "fastapi.dependencies")
"""The modules of FastAPI that find out where a parameter comes from."""
_DEPTH: Final = 2
"""How far the caller of `dataclasses.is_dataclass` is from `__get__`."""
