"""Names of the fields that a model marks as personal data, and of ids. A test compares them."""

from typing import Final

__all__ = ["PERSONAL_NAMES"]

_FIELDS: Final = """
    account_connection_id account_name account_url address address_line_1 address_line_2
    address_line_3 address_line_4 appointments attempt_id bank_connection_id bank_connection_url
    birth_date birth_day birth_month birth_year birthdate building_name case_id city company_id
    country_code data_source_id date_of_birth date_of_expiry date_of_issue description direct_url
    display_name document_id document_uri email email_address employee_name employee_number
    employee_numbers employer employer_name entity_id event_data file_name first_name full_address
    full_name full_number gender grouping_id house_number income_recipient income_source
    integrity_type_id job_title job_titles last_name locality long_description merchant_name
    message name national_insurance_letter national_insurance_letters national_insurance_number
    nationality number occupation owner owner_id owners_name paye_reference paye_references
    person_id place_of_birth post_code provider_id recipient reference reference_customer_id
    reference_customer_name reference_person_id region request_id search_certificate_uri
    search_term shared_key short_description source_id source_name sub_building_name summary_line
    surname tax_code tax_codes tax_id transaction_id unique_taxpayer_reference
    unique_taxpayer_references uri user_id validation_instance_id validation_type_id value
    verification_url webhook_callback_url webhook_id
"""
PERSONAL_NAMES: Final = frozenset(_FIELDS.split())
