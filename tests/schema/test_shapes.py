"""Types are described once, and no field of a model is without a description."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

import attrs
import contract
import pytest
from contract import Endpoint

from sikoia_async._codec.soundness import soundness_check
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, ShapeError, options, reachable, shape_of
from sikoia_async.models import PERSONAL, Items, Model


@attrs.frozen(kw_only=True)
class Nested(Model):
    """A model that contains itself."""

    nested: "Nested | None" = None
    rows: "tuple[Nested, ...] | None" = None
    name: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class Foreign(Model):
    """A model with a field that has no shape."""

    sizes: "tuple[dict[str, int], ...] | None" = None


@pytest.mark.parametrize("endpoint", contract.ENDPOINTS, ids=contract.ids)
def test_every_model_of_every_resource_has_a_shape(endpoint: Endpoint) -> None:
    """Reading the fields raises if one has a form that the shapes do not describe."""
    sent = [annotation for annotation, _ in endpoint.parameters().values()]

    for annotation in (endpoint.into, *sent):
        models = [one for one in reachable(shape_of(annotation)) if isinstance(one, shapes.Object)]
        assert {one.type for one in models} >= {*contract.models_in(annotation)}
        assert all(one.fields for one in models)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (Decimal, shapes.Scalar),
        (Any, shapes.AnyJson),
        (Literal["a", "b"], shapes.Choice),
        (Annotated[str, Literal["a", "b"]], shapes.OpenEnum),
        (int | None, shapes.Optional),
        # The older spelling, which is the same type since Python 3.14.
        pytest.param(Union[int, None], shapes.Optional, id="Union"),  # noqa: UP007
        (int | str, shapes.OneOf),
        (tuple[int, ...], shapes.ListOf),
        (list[int], shapes.ListOf),
        (Sequence[int], shapes.ListOf),
        (Items[Nested], shapes.ListOf),
        (Nested, shapes.Object),
        (tuple[int, str], shapes.Other),
        (dict[str, int], shapes.Other),
        (bytes, shapes.Other),
        (type(None), shapes.Other),
    ],
    ids=str,
)
def test_each_form_has_its_shape(annotation: Any, kind: type[Shape]) -> None:
    """A shape is computed once per annotation, and knows the annotation."""
    shape = shape_of(annotation)

    assert type(shape) is kind
    assert shape.type == annotation
    assert shape_of(annotation) is shape


def test_a_model_may_contain_itself() -> None:
    """Its shape contains itself too, and is visited once."""
    shape = shape_of(Nested)

    assert isinstance(shape, shapes.Object)
    assert [one for one in reachable(shape) if isinstance(one, shapes.Object)] == [shape]
    assert [(one.name, one.is_personal) for one in shape.fields] == [
        ("nested", False),
        ("rows", False),
        ("name", True),
    ]


def test_the_options_of_a_value_leave_none_aside() -> None:
    """Optional values and unions are taken apart; other shapes are their only option."""
    choice: Any = Literal["today"]

    assert [one.type for one in options(shape_of(date | choice | None))] == [date, choice]
    assert options(shape_of(int)) == (shape_of(int),)


def test_a_model_with_an_unknown_form_is_refused() -> None:
    """The error names the field, and comes with the first use of the model."""
    with pytest.raises(ShapeError, match=r"^Foreign\.sizes: a subclass of Model cannot"):
        soundness_check(shape_of(Foreign))


def test_the_arguments_of_other_types_are_described() -> None:
    """So the Decimals in a caller's mapping are found."""
    assert shape_of(Decimal) in reachable(shape_of(dict[str, list[Decimal]]))


def test_an_annotation_with_other_metadata_is_another_type() -> None:
    """Only known values make an open enum."""
    assert isinstance(shape_of(Annotated[int, "pence"]), shapes.Other)
