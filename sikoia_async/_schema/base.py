"""The base class by which the modules below `models` recognise a model."""

__all__ = ["ModelBase"]


class ModelBase:
    """Base class of `Model`. Shapes and exports cannot import `Model`, which is built on them."""

    __slots__ = ()
