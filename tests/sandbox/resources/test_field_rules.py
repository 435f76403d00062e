"""The rules for fields, alone and combined."""

import pytest

from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.resources import field_rules

CODE = field_rules.matching(r"\w{2}", "two letters")
PERSON = field_rules.object_of(
    {"name": field_rules.non_empty, "age": field_rules.optional(field_rules.natural)},
    required=["name"],
)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (field_rules.string, ""),
        (field_rules.non_empty, "x"),
        (field_rules.boolean, False),
        (field_rules.natural, 0),
        (field_rules.uuid, "01951375-1c4e-7b6e-8f7a-0123456789AB"),
        (field_rules.any_object, {"any": "thing"}),
        (CODE, "GB"),
        (field_rules.one_of("A", "B"), "B"),
        (field_rules.optional(CODE), None),
        (field_rules.clearable(CODE), ""),
        (field_rules.clearable(CODE), None),
        (field_rules.clearable(CODE), "GB"),
        (field_rules.list_of(CODE), ["GB", "US"]),
        (PERSON, {"name": "x", "age": None}),
        (PERSON, {"name": "x", "age": 3}),
    ],
    ids=[
        "text",
        "filled",
        "flag",
        "count",
        "id",
        "object",
        "pattern",
        "word",
        "null",
        "cleared",
        "clearable-null",
        "clearable-value",
        "list",
        "null-field",
        "all-fields",
    ],
)
def test_valid_values_pass(rule: field_rules.Rule, value: object) -> None:
    """Without an error."""
    rule("field", value)


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        (field_rules.string, 31337, "field must be a string."),
        (field_rules.string, None, "field must be a string."),
        (field_rules.non_empty, "  ", "field must not be empty."),
        (field_rules.boolean, "31337", "field must be true or false."),
        (field_rules.natural, -31337, "field must be a whole number, zero or more."),
        (field_rules.natural, True, "field must be a whole number, zero or more."),
        (field_rules.natural, "31337", "field must be a whole number, zero or more."),
        (field_rules.uuid, "31337", "field must be a UUID."),
        (field_rules.uuid, 31337, "field must be a string."),
        (field_rules.any_object, [], "field must be an object."),
        (CODE, "31337", "field must be two letters."),
        (field_rules.one_of("A", "B"), "31337", "field must be one of A, B."),
        (field_rules.optional(CODE), "", "field must be two letters."),
        (field_rules.list_of(CODE), "31337", "field must be a list."),
        (field_rules.list_of(CODE), ["GB", "31337"], "field[1] must be two letters."),
        (PERSON, "31337", "field must be an object."),
        (PERSON, {}, "field.name is required."),
        (PERSON, {"name": "x", "age": "31337"}, "field.age must be a whole number, zero or more."),
        (PERSON, {"name": "x", "pet": "31337"}, "field.pet is not a field of this request."),
    ],
    ids=[
        "text",
        "text-null",
        "filled",
        "flag",
        "negative",
        "boolean",
        "no-number",
        "no-id",
        "id-of-digits",
        "object",
        "pattern",
        "word",
        "optional",
        "list",
        "item",
        "no-record",
        "required",
        "nested",
        "unknown",
    ],
)
def test_a_broken_rule_names_the_field_and_not_the_value(
    rule: field_rules.Rule, value: object, message: str
) -> None:
    """The message has the path of the field, but never its value."""
    with pytest.raises(ApiError) as broken:
        rule("field", value)

    assert broken.value.detail == message
    assert "31337" not in broken.value.detail


def test_top_level_fields_have_no_prefix() -> None:
    """They are named without a dot."""
    with pytest.raises(ApiError, match=r"^name is required\.$"):
        PERSON("", {})
