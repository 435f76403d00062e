"""The first argument of most methods: a model, or its id."""

from collections.abc import Sequence
from uuid import UUID

import attrs

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._validation import validate_id
from sikoia_async.models import Model

__all__ = ["Subject"]


@attrs.frozen
class Subject:
    """A parameter that takes a model or its id: `Subject("case", "case_id", CaseSummary)`."""

    name: str
    """The name of the parameter."""
    field: str
    """The field of the models that holds the id."""
    models: type[Model] | tuple[type[Model], ...]
    """The models that are accepted, with their subclasses."""

    def id_of(self, subject: Model | str | UUID) -> str:
        """Return the id of a subject.

        Raises:
            ArgumentTypeError: the subject is neither such a model nor an id.
            ArgumentError: the id is not valid, or the model has none.
        """
        return self._id(self.name, subject)

    def ids_of(self, name: str, subjects: Sequence[Model | str | UUID] | None) -> list[str] | None:
        """Return the ids of several subjects that one parameter takes, or None.

        Raises:
            ArgumentTypeError: the value is not a list, or an item is neither such a model nor a
                string.
            ArgumentError: an id is not valid, or a model has none.
        """
        if subjects is None:
            return None
        if not isinstance(subjects, list | tuple):
            msg = f"{name}: expected a list, each item {self._what()}"
            raise ArgumentTypeError(msg)
        return [self._id(name, subject) for subject in subjects]

    def _id(self, name: str, subject: object) -> str:
        if isinstance(subject, str | UUID):
            return validate_id(name, subject)
        if not isinstance(subject, self.models):
            kind = "None" if subject is None else type(subject).__name__
            msg = f"{name}: expected {self._what()}, not {kind}"
            raise ArgumentTypeError(msg)
        if not (value := getattr(subject, self.field, None)):
            msg = f"{name}: this {type(subject).__name__} has no {self.field}; pass the id itself"
            raise ArgumentError(msg)
        return validate_id(name, value)

    def _what(self) -> str:
        models = self.models if isinstance(self.models, tuple) else (self.models,)
        return f"the {self.field} as a string, or {' or '.join(one.__name__ for one in models)}"
