"""The request bodies of the operations on cases."""

from sikoia_async.sandbox.resources.field_rules import (
    boolean,
    clearable,
    jurisdiction,
    list_of,
    matching,
    non_empty,
    object_of,
    one_of,
    optional,
    string,
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

_email = matching(r"[^@\s]+@[^@\s]+", "an email address")
_date = clearable(matching(r"\d{4}-\d{2}-\d{2}", "a date in the form YYYY-MM-DD"))
_address = object_of(dict.fromkeys(ADDRESS_LINES, optional(string)))
# The schema says User, its example says user.
_owner = object_of({"owner_id": optional(string), "owner_type": optional(one_of("User", "user"))})

_case = {
    "stage": optional(one_of(*STAGES)),
    "reference": optional(string),
    "reference_customer_id": optional(string),
    "reference_customer_name": optional(string),
    "description": optional(string),
    "source": optional(string),
    "owner": optional(string),
    "ownership": optional(list_of(_owner)),
}
_company = {"company_number": optional(string)}
_person = {
    "postal_address": optional(_address),
    "date_of_birth": _date,
    "employer": optional(string),
    "reference_person_id": optional(string),
}
_added_company = {
    **_company,
    "company_name": non_empty,
    "jurisdiction_code": optional(jurisdiction),
    "registry_search": boolean,
    "add_directors": boolean,
}
_added_person = {
    **_person,
    "first_name": non_empty,
    "last_name": non_empty,
    "email": optional(_email),
    # Read-only, but a field of the request in the specification; accepted and ignored.
    "is_officer": boolean,
}
# In an update, an empty string clears a field that has a format.
_updated_company = {
    **_company,
    "company_id": non_empty,
    "company_name": optional(non_empty),
    "jurisdiction_code": clearable(jurisdiction),
}
_updated_person = {
    **_person,
    "person_id": non_empty,
    "first_name": optional(non_empty),
    "last_name": optional(non_empty),
    "email": clearable(_email),
    "postal_address": clearable(_address),
}
_added = {
    "companies": optional(list_of(object_of(_added_company, required=("company_name",)))),
    "persons": optional(list_of(object_of(_added_person, required=("first_name", "last_name")))),
}

CREATE_CASE = object_of(
    {**_case, **_added, "name": non_empty, "case_type": one_of(*CASE_TYPES)},
    required=("name", "case_type"),
)
UPDATE_CASE = object_of({**_case, "name": optional(non_empty)})
ADD_ENTITIES = object_of(_added)
UPDATE_ENTITIES = object_of(
    {
        "companies": optional(list_of(object_of(_updated_company, required=("company_id",)))),
        "persons": optional(list_of(object_of(_updated_person, required=("person_id",)))),
    }
)
DELETE_ENTITIES = object_of(
    {"companies": optional(list_of(non_empty)), "persons": optional(list_of(non_empty))}
)
