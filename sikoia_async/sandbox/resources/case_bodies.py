"""The bodies that the operations on cases accept, field by field."""

from sikoia_async.sandbox.resources.field_rules import (
    clearable,
    filled,
    flag,
    many,
    matching,
    one_of,
    optional,
    record,
    text,
)

CASE_TYPES = ("Business", "Consumer")
STAGES = (
    "New",
    "InProgressWaitingCustomer",
    "InProgressNeedsReview",
    "Approved",
    "Rejected",
    "Dormant",
)
ADDRESS_LINES = (
    "house_number",
    "building_name",
    "sub_building_name",
    "address_line_1",
    "address_line_2",
    "locality",
    "city",
    "post_code",
    "country",
)

_jurisdiction = matching(r"\w{2}(_\w{2})?", "two letters, or two and two, as in US_DE")
_email = matching(r"[^@\s]+@[^@\s]+", "an address of electronic mail")
_date = clearable(matching(r"\d{4}-\d{2}-\d{2}", "a date, year first"))
_address = optional(record(dict.fromkeys(ADDRESS_LINES, optional(text))))
# The schema says User, its example says user.
_owner = record({"owner_id": optional(text), "owner_type": optional(one_of("User", "user"))})

_case = {
    "stage": optional(one_of(*STAGES)),
    "reference": optional(text),
    "reference_customer_id": optional(text),
    "reference_customer_name": optional(text),
    "description": optional(text),
    "source": optional(text),
    "owner": optional(text),
    "ownership": optional(many(_owner)),
}
_company = {"company_number": optional(text)}
_person = {
    "postal_address": _address,
    "date_of_birth": _date,
    "employer": optional(text),
    "reference_person_id": optional(text),
}
_added_company = {
    **_company,
    "company_name": filled,
    "jurisdiction_code": optional(_jurisdiction),
    "registry_search": flag,
    "add_directors": flag,
}
_added_person = {
    **_person,
    "first_name": filled,
    "last_name": filled,
    "email": optional(_email),
    # Read-only, and yet a field of the request: accepted and ignored.
    "is_officer": flag,
}
# What has a form has no empty string, but where that clears a field.
_updated_company = {
    **_company,
    "company_id": filled,
    "company_name": optional(filled),
    "jurisdiction_code": clearable(_jurisdiction),
}
_updated_person = {
    **_person,
    "person_id": filled,
    "first_name": optional(filled),
    "last_name": optional(filled),
    "email": clearable(_email),
}
_added = {
    "companies": optional(many(record(_added_company, required=("company_name",)))),
    "persons": optional(many(record(_added_person, required=("first_name", "last_name")))),
}

CREATE_CASE = record(
    {**_case, **_added, "name": filled, "case_type": one_of(*CASE_TYPES)},
    required=("name", "case_type"),
)
UPDATE_CASE = record({**_case, "name": optional(filled)})
ADD_ENTITIES = record(_added)
UPDATE_ENTITIES = record(
    {
        "companies": optional(many(record(_updated_company, required=("company_id",)))),
        "persons": optional(many(record(_updated_person, required=("person_id",)))),
    }
)
DELETE_ENTITIES = record({"companies": optional(many(filled)), "persons": optional(many(filled))})
