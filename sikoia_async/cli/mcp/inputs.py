"""What the tools take, as models of pydantic, which is a dependency of the extra."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sikoia_async.errors import ArgumentError

__all__ = ["Call", "Describe", "Read", "Search", "Wait", "parse"]

_Operation = Annotated[
    str, Field(max_length=100, description="The name of an operation, such as cases.list.")
]
_Only = Annotated[
    list[Annotated[str, Field(max_length=200)]] | None,
    Field(
        min_length=1,
        max_length=100,
        description="The fields of the result to return, such as case_id or persons.person_id; "
        "all if left out.",
    ),
]


class _Input(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


class Search(_Input):
    """What `search` takes."""

    query: Annotated[
        str,
        Field(
            max_length=500,
            description="Words such as 'director of a company' or 'delete document'. All "
            "operations match an empty query.",
        ),
    ]
    limit: Annotated[int, Field(ge=1, le=100, description="How many to return.")] = 10


class Describe(_Input):
    """What `describe_operation` takes."""

    operation: _Operation


class Read(_Input):
    """What `read_documentation` takes."""

    query: Annotated[
        str,
        Field(
            max_length=200,
            description="A page such as webhooks, a section such as webhooks#duplicates, or words "
            "such as 'rate limit'. Empty for a list of all pages.",
        ),
    ] = ""


class Call(_Input):
    """What `call_operation` takes."""

    operation: _Operation
    arguments: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict, description="The arguments, by the schema of describe_operation."
        ),
    ]
    only: _Only = None
    limit: Annotated[int, Field(ge=1, le=1000, description="How many items of a list.")] = 50


class Wait(_Input):
    """What `wait_for_operation` takes."""

    token: Annotated[
        str, Field(max_length=2000, description="The token that call_operation returned.")
    ]
    timeout_seconds: Annotated[
        float,
        Field(gt=0, le=300, description="How long to wait; if that is too short, wait again."),
    ] = 30.0
    only: _Only = None


_T = TypeVar("_T", bound=BaseModel)


def parse(kind: type[_T], given: object) -> _T:
    """Return the input of a tool.

    Raises:
        ArgumentError: it does not fit. The error repeats no value and no unknown name.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    names = ", ".join(kind.model_fields)
    problems = {
        f"unknown name; expected {names}"
        if one["type"] == "extra_forbidden"
        else f"{one['loc'][0]}: {one['msg']}"
        for one in found
    }
    msg = "; ".join(sorted(problems))
    raise ArgumentError(msg)
