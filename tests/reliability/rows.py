"""The fault matrix: which tests cover which row.

A row names its tests by file and function, or says `out:` and the reason why it has none. Files
without a folder are in this one; `../` leads to the tests of single modules.

A1   test_connecting.py::test_a_refused_connection_is_retried
A2   test_connecting.py::test_an_unknown_host_name_is_retried
A3   test_connecting.py::test_a_hanging_resolver_ends_at_the_deadline
A4   test_connecting.py::test_a_host_that_drops_connections_times_out
A5   test_connecting.py::test_a_failed_handshake_is_retried
A6   ../transport/test_tls.py::test_a_server_that_speaks_another_protocol_gets_nothing
A7   ../transport/test_tls.py::test_an_untrusted_server_gets_nothing
A8   test_connecting.py::test_a_certificate_not_yet_valid_is_not_retried
A9   ../transport/test_tls.py::test_an_untrusted_server_gets_nothing
A10  ../transport/test_tls.py::test_an_untrusted_server_gets_nothing
A11  ../transport/test_tls.py::test_a_server_that_speaks_another_protocol_gets_nothing
A12  test_connecting.py::test_a_failed_handshake_is_retried
     ../transport/test_exchange.py::test_an_interrupted_handshake_is_retried
A13  test_connecting.py::test_a_certificate_that_changes_between_calls
A14  test_connecting.py::test_a_dead_ipv6_address_does_not_delay_ipv4
A15  ../test_environments.py::test_invalid_urls_are_refused_and_not_repeated
     ../test_environments.py::test_the_path_of_the_api_is_a_plain_prefix
A16  ../transport/test_tls.py::test_a_proxy_of_the_environment_is_ignored
     ../transport/test_tls.py::test_tls_keys_are_logged_only_on_request
     ../transport/test_proxy.py::test_a_proxy_that_fails_has_sent_nothing
     test_connecting.py::test_certificate_variables_are_ignored
B1   test_framing.py::test_a_connection_closed_before_the_response_is_retried
B2   test_framing.py::test_an_idle_connection_closed_as_it_is_reused
     test_framing.py::test_a_server_that_closes_after_every_response
B3   test_framing.py::test_a_connection_closed_before_the_response_is_retried
B4   test_framing.py::test_malformed_http_is_refused
B5   test_framing.py::test_malformed_http_is_refused
     test_framing.py::test_an_unknown_status_is_a_server_error
B6   test_framing.py::test_endless_interim_responses_end_at_the_deadline
B7   test_framing.py::test_malformed_http_is_refused
B8   test_framing.py::test_malformed_http_is_refused
     test_framing.py::test_too_many_headers_are_refused
B9   test_framing.py::test_malformed_http_is_refused
     test_framing.py::test_unusual_but_valid_http_is_accepted
B10  test_framing.py::test_malformed_http_is_refused
     test_framing.py::test_a_truncated_response_is_refused
B11  test_framing.py::test_malformed_http_is_refused
B12  test_framing.py::test_a_truncated_response_is_refused
B13  test_framing.py::test_a_body_longer_than_declared_affects_one_call_at_most
B14  test_framing.py::test_a_truncated_response_is_refused
     test_framing.py::test_unusual_but_valid_http_is_accepted
B15  test_framing.py::test_unusual_but_valid_http_is_accepted
B16  test_framing.py::test_truncated_json_delimited_by_its_connection_is_refused,
     test_bodies.py::test_a_file_delimited_by_its_connection_is_refused
B17  test_framing.py::test_an_unsolicited_response_is_discarded
     test_framing.py::test_a_response_to_another_request_is_refused
     test_framing.py::test_an_unsafe_request_with_a_foreign_response_is_in_doubt
     test_framing.py::test_a_cached_response_is_accepted
     test_framing.py::test_a_response_that_another_client_cached_is_accepted
     test_framing.py::test_an_unsafe_request_on_a_new_connection_has_its_own_response
B18  test_framing.py::test_a_first_response_with_another_id_is_accepted
B19  test_framing.py::test_a_late_response_is_discarded
B20  test_framing.py::test_an_early_refusal_of_an_upload_is_read
B21  test_framing.py::test_a_reset_connection_is_retried
     test_framing.py::test_a_reset_after_a_complete_response_is_harmless
B22  test_framing.py::test_a_body_that_http_forbids_is_not_read
B23  test_framing.py::test_a_server_that_closes_after_every_response
C1   test_bodies.py::test_a_gzip_truncated_anywhere_is_refused
     test_bodies.py::test_a_gzipped_file_truncated_anywhere_is_not_saved
     ../transport/test_body.py::test_a_truncated_body_is_refused
C2   test_bodies.py::test_a_gzip_with_a_wrong_trailer_is_refused
     test_bodies.py::test_every_bit_of_a_gzip_trailer_is_checked
C3   test_bodies.py::test_bytes_after_a_gzip_are_refused
C4   test_bodies.py::test_a_plain_body_declared_as_gzip_is_refused
     test_bodies.py::test_an_undeclared_gzip_is_refused
C5   test_bodies.py::test_unrequested_encodings_are_refused
     test_bodies.py::test_encodings_in_two_headers_are_refused
C6   test_bodies.py::test_a_gzip_bomb_is_refused_in_bounded_memory
     test_bodies.py::test_max_body_can_be_set
C7   test_bodies.py::test_an_endless_body_is_refused_at_the_limit
     test_bodies.py::test_max_body_can_be_set
C8   test_bodies.py::test_an_endless_error_is_truncated
     test_bodies.py::test_the_beginning_of_an_endless_error_is_kept
C9   test_bodies.py::test_a_login_page_is_refused
     test_bodies.py::test_an_invalid_media_type_is_not_repeated
C10  test_bodies.py::test_the_charset_parameter_is_ignored
     test_bodies.py::test_a_byte_order_mark_is_skipped
     test_bodies.py::test_other_charsets_are_refused
C11  test_bodies.py::test_an_empty_body_is_refused_where_a_model_is_expected
C12  test_bodies.py::test_hostile_json_is_refused
     test_bodies.py::test_odd_json_is_refused_only_without_a_model
     test_shapes.py::test_recursive_models_have_a_maximum_depth
     ../schema/test_json.py::test_an_invalid_body_is_a_decode_error
     ../schema/test_json.py::test_a_number_of_thousands_of_digits_is_not_read
     (numbers like 1e999 are read where a Decimal is due)
C13  test_shapes.py::test_the_last_of_duplicate_fields_counts
     test_shapes.py::test_special_names_are_unknown_fields
     test_shapes.py::test_a_million_of_anything_decodes_in_seconds
     test_shapes.py::test_many_problems_take_no_memory
     (names cannot be made to collide: Python hashes text with a secret of the process)
C14  test_shapes.py::test_every_field_with_every_kind_of_value
     test_shapes.py::test_every_list_with_a_string_in_it
     test_shapes.py::test_a_list_inside_a_string_is_decoded
     ../codec/test_reader.py::test_a_value_of_the_wrong_type_is_refused_in_a_required_field
     ../codec/test_reader.py::test_an_odd_value_costs_only_its_field
C15  test_shapes.py::test_unknown_fields_and_nulls_are_accepted
C16  test_bodies.py::test_an_error_keeps_its_status
     ../codec/test_problems.py::test_detail_has_two_spellings
     ../codec/test_problems.py::test_the_status_in_the_body_is_ignored
     ../codec/test_problems.py::test_any_body_makes_the_right_error
C17  test_bodies.py::test_a_truncated_workbook_is_not_requested_again
     test_bodies.py::test_a_200_without_a_workbook_leaves_no_file
     test_bodies.py::test_a_gzipped_file_truncated_anywhere_is_not_saved
     ../calls/test_download.py::test_an_incomplete_file_is_refused
     ../files/test_workbook.py::test_other_bodies_are_refused
C18  ../files/test_sinks.py::test_paths_that_cannot_be_written_are_refused
     ../files/test_sinks.py::test_a_symbolic_link_is_kept
     ../files/test_sinks.py::test_a_file_appears_when_it_is_complete
     (the path is the caller's own, never the server's: a file that exists is replaced)
D1   test_silence.py::test_a_safe_request_to_a_silent_server_is_retried,
     test_silence.py::test_a_server_silent_once_costs_half_of_the_timeout,
     test_silence.py::test_a_slow_response_is_not_given_up,
     test_silence.py::test_a_dead_connection_costs_half_of_the_timeout,
     test_silence.py::test_a_cancelled_call_leaves_neither_of_its_requests,
     ../retry/test_hedge.py::test_a_response_within_the_timeout_is_never_given_up,
     test_silence.py::test_other_requests_wait_for_the_whole_timeout
D2   test_silence.py::test_a_trickling_response_ends_at_the_deadline
D3   test_silence.py::test_a_trickling_response_ends_at_the_deadline
D4   test_silence.py::test_a_trickling_download_leaves_no_file
D5   out: responses are never streamed to the user; the client writes files itself
D6   test_clocks.py::test_an_invalid_timeout_is_refused
D7   test_clocks.py::test_changes_of_the_system_clock_have_no_effect
D8   test_clocks.py::test_a_blocked_event_loop_sends_nothing_twice
D9   test_silence.py::test_an_outer_deadline_is_a_cancellation
D10  test_tokens.py::test_a_follower_that_times_out_does_not_stop_the_leader,
     ../calls/test_deadline.py::test_a_request_slot_after_the_deadline,
     ../calls/test_deadline.py::test_an_access_token_after_the_deadline,
     ../calls/test_deadline.py::test_a_connection_after_the_deadline
E1   test_statuses.py::test_a_temporary_server_error
E2   test_statuses.py::test_a_gateways_error_page_is_a_server_error
E3   test_statuses.py::test_a_pause_is_at_least_the_retry_after
E4   test_statuses.py::test_an_invalid_retry_after_is_ignored,
     test_statuses.py::test_a_retry_after_beyond_the_deadline_fails_at_once
E5   test_statuses.py::test_a_retry_after_does_not_make_a_request_retryable
E6   test_statuses.py::test_one_429_pauses_all_calls,
     test_statuses.py::test_a_429_pause_beyond_the_deadline
E7   test_statuses.py::test_one_429_pauses_all_calls (in one process; several share nothing yet)
E8   test_statuses.py::test_408_and_421_are_retried_if_safe
E9   test_statuses.py::test_a_conflict_is_never_retried
E10  test_statuses.py::test_a_conflict_is_never_retried
E11  test_statuses.py::test_a_404_after_a_lost_delete_is_a_success
E12  test_statuses.py::test_missing_credits_are_not_retried
E13  test_statuses.py::test_retries_do_not_make_an_outage_worse
E14  ../retry/test_attempts.py::test_a_cancelled_retry_costs_nothing
E15  ../retry/test_policy.py::test_pauses_grow_to_a_cap
E16  test_statuses.py::test_an_upload_is_the_same_in_each_attempt
E17  test_statuses.py::test_redirects_are_not_followed
E18  test_statuses.py::test_a_chargeable_report_is_requested_once,
     test_statuses.py::test_a_report_beyond_the_charge_limit_is_not_requested
F1   test_tokens.py::test_two_hundred_cold_calls_fetch_one_token
F2   test_tokens.py::test_a_leader_cancelled_at_any_step_is_replaced,
     test_tokens.py::test_a_leader_whose_task_is_cancelled_is_replaced
F3   test_tokens.py::test_a_token_request_is_retried_twice,
     test_tokens.py::test_occasional_failures_do_not_use_up_the_retry_budget,
     test_clocks.py::test_a_silent_token_endpoint_is_retried,
     ../retry/test_hedge.py::test_a_slow_login_is_waited_for
F4   test_tokens.py::test_token_requests_become_rarer_in_an_outage,
     test_tokens.py::test_after_an_outage_token_requests_are_retried_again,
     test_tokens.py::test_callers_with_short_deadlines_share_a_failure,
     test_tokens.py::test_a_caller_with_time_makes_the_retry_another_had_to_skip,
     test_tokens.py::test_the_retry_after_of_the_token_endpoint_is_honoured
F5   test_tokens.py::test_a_refusal_holds_for_five_seconds
F6   ../auth/test_tokens.py::test_a_grant_is_read_leniently
F7   ../auth/test_tokens.py::test_an_unusable_grant_is_a_refusal,
     ../auth/test_client_credentials.py::test_errors_do_not_quote_the_token_endpoint
F8   test_tokens.py::test_a_truncated_token_response_is_retried,
     test_tokens.py::test_a_complete_token_response_after_a_truncated_one,
     ../auth/test_client_credentials.py::test_errors_do_not_quote_the_token_endpoint
F9   ../auth/test_client_credentials.py::test_errors_do_not_quote_the_token_endpoint
F10  ../auth/test_client_credentials.py::test_a_hundred_refusals_fetch_one_new_token
F11  ../auth/test_client_credentials.py::test_endless_refusals_do_not_fetch_endless_tokens
F12  ../auth/test_client_credentials.py::test_a_late_refusal_of_the_old_token_keeps_the_new_one
F13  ../auth/test_client_credentials.py::test_an_early_renewal_delays_one_call_only,
     test_tokens.py::test_an_early_renewal_takes_a_share_of_the_timeout_only
F14  ../auth/test_client_credentials.py::test_every_call_waits_once_the_token_is_about_to_expire
F15  a secret is a string, passed once; to rotate it, pass token= instead:
     ../auth/test_tokens.py::test_a_token_function_is_called_for_each_request
F16  ../auth/test_token_store.py::test_eight_clients_fetch_one_token_each_life
F17  ../auth/test_token_store.py::test_a_killed_leader_is_replaced_after_ten_seconds
F18  ../stores/test_redis.py::test_one_process_renews
F19  ../auth/test_token_store.py::test_an_unusable_stored_token_costs_one_token_request
     ../stores/test_redis_faults.py::test_keys_of_another_application_are_reported
R1   ../rate_limit/test_server.py::test_a_thousand_at_once
R2   ../rate_limit/test_server.py::test_a_burst_around_the_turn_of_a_window
R3   ../stores/test_redis_faults.py::test_floods_share_one_limit
R4   the server's clock counts alone:
     ../processes/test_faults.py::test_the_clock_of_a_host_changes_nothing
     ../stores/test_redis.py::test_a_slot_is_free_a_window_after_its_request
R5   ../stores/test_redis.py::test_a_lease_that_is_not_settled_ends
     ../processes/test_faults.py::test_a_killed_process_costs_nobody_a_request
     ../processes/test_faults.py::test_a_stopped_process_disturbs_nobody
R6   ../rate_limit/test_store.py::test_cancellation_at_any_moment_leaves_no_lease
R7   ../stores/test_redis_faults.py::test_a_killed_server_is_used_again_when_it_is_back
     ../processes/test_faults.py::test_a_lost_redis_is_no_error_of_a_call
     ../rate_limit/test_outage.py::test_interactive_calls_wait_a_second_once_and_then_go_on
R8   ../stores/test_redis_faults.py::test_a_frozen_server_is_left_after_a_second
R9   ../stores/test_redis_faults.py::test_scripts_that_the_server_has_forgotten_are_sent_again
R10  ../stores/test_redis_faults.py::test_a_server_that_refuses_writes_is_an_outage
     ../stores/test_redis_faults.py::test_a_wrong_password_is_an_outage_and_is_not_logged
     ../stores/test_redis_faults.py::test_keys_of_another_application_are_reported
R11  ../stores/test_redis_faults.py::test_something_else_than_a_server_is_an_outage
     ../stores/test_redis_faults.py::test_a_frozen_server_is_left_after_a_second
R12  ../stores/test_redis.py::test_a_clock_that_is_set_back_holds_nobody_up
R13  ../rate_limit/test_priorities.py::test_a_flood_of_polls_delays_no_interactive_call
R14  out: a call's timeout bounds this wait, too; see D10
R15  ../stores/test_redis.py::test_the_strictest_limit_applies
R16  ../stores/test_redis.py::test_lost_state_has_another_epoch
H1   test_urls.py::test_an_id_that_changes_the_url_sends_nothing
     test_urls.py::test_a_path_that_leaves_the_api_sends_nothing
     ../calls/test_urls.py::test_an_invalid_id_is_refused_and_not_repeated
H2   ../calls/test_urls.py::test_an_id_is_one_segment_or_refused
H3   test_urls.py::test_an_invalid_header_value_sends_nothing
     test_urls.py::test_the_idempotency_header_cannot_replace_another
H4   test_urls.py::test_a_next_page_on_another_host_is_not_requested
     ../calls/test_pagination.py::test_another_host_in_a_next_url_is_ignored_and_counted
     ../calls/test_pagination.py::test_a_page_cycle_is_an_error
H5   test_urls.py::test_a_location_on_another_host_is_not_polled
     ../calls/test_api.py::test_the_host_of_a_location_is_ignored_and_counted
H6   test_urls.py::test_a_link_to_this_machine_is_not_followed
     test_urls.py::test_a_redirected_link_is_not_followed
     ../calls/test_download.py::test_a_download_sends_no_secret
     ../calls/test_download.py::test_no_link_is_logged
H7   test_urls.py::test_a_host_needs_a_certificate_for_its_name
H8   ../sandbox/resources/test_webhooks.py::test_callbacks_have_to_be_on_loopback
     ../sandbox/test_loopback.py::test_callbacks_are_sent_to_loopback_only
H9   ../transport/test_pool.py::test_nothing_goes_to_another_origin
H10  ../resources/test_webhooks.py::test_invalid_names_and_urls_are_not_sent
     ../test_validation.py::test_other_urls_are_refused
H11  test_urls.py::test_cookies_are_never_sent_back
H12  ../calls/test_urls.py::test_queries_can_be_parsed_back
     ../calls/test_urls.py::test_a_list_is_one_parameter
     ../calls/test_urls.py::test_values_that_cannot_be_sent_are_refused
I1   test_privacy.py::test_all_loggers_at_debug_show_nothing_of_a_call
     test_privacy.py::test_every_logger_of_the_http_libraries_is_filtered; and oracle.py
I2   test_privacy.py::test_objects_with_a_secret_do_not_show_it
     test_privacy.py::test_no_object_inside_a_client_shows_its_secret
     test_privacy.py::test_every_string_field_is_masked_or_listed_as_harmless
     ../test_models.py::test_repr_masks_personal_data
I3   test_privacy.py::test_objects_with_a_secret_cannot_be_copied
     ../auth/test_secret.py::test_a_secret_cannot_be_copied
     ../test_errors.py::test_errors_can_be_pickled_and_copied
I4   test_privacy.py::test_a_failed_token_request_shows_no_secret
     test_privacy.py::test_a_failed_call_shows_no_access_token
I5   test_privacy.py::test_an_invalid_secret_is_not_shown
     test_privacy.py::test_an_invalid_token_from_a_function_is_not_shown
I6   test_privacy.py::test_an_error_message_repeats_no_personal_data
     test_privacy.py::test_an_error_message_names_the_field
     test_privacy.py::test_a_given_path_is_shown_without_its_ids
     ../codec/test_redaction.py::test_unknown_words_are_never_repeated
I7   out: spans do not exist yet; they may contain the fields of a log record (_logging.FIELDS)
I8   test_privacy.py::test_the_debug_mode_of_asyncio_shows_nothing; warnings and notes by oracle.py
I9   test_privacy.py::test_a_deleted_client_leaves_no_token
I10  ../stores/test_redis_faults.py::test_no_secret_but_the_tokens_value_is_sent
I11  test_privacy.py::test_the_local_sikoia_logs_nothing
I12  out: a test cannot see the gate's output; .ci/run scans it with .ci/scan_secrets.py
J1   test_cancelled_calls.py::test_cancelling_scopes_at_any_step_leaks_nothing,
     test_cancelled_calls.py::test_cancelling_tasks_at_any_step_leaks_nothing,
     test_cancelled_calls.py::test_cancelling_a_scope_during_a_handshake_leaks_nothing,
     test_cancelled_calls.py::test_cancelling_a_task_during_a_handshake_leaks_nothing,
     ../calls/test_cancellation.py::test_a_scope_cancelled_at_any_step_costs_nothing,
     ../calls/test_cancellation.py::test_a_task_cancelled_at_any_step_costs_nothing,
     ../calls/test_cancellation.py::test_the_same_steps_break_a_bare_httpx
J2   test_storms.py::test_a_storm_of_cancelled_scopes_leaks_nothing,
     test_storms.py::test_a_storm_of_cancelled_tasks_leaks_nothing,
     test_storms.py::test_the_same_storm_makes_plain_httpx_lose_connections
J3   test_cancelled_calls.py::test_cancelling_scopes_in_any_wait_leaks_nothing,
     test_cancelled_calls.py::test_cancelling_tasks_in_any_wait_leaks_nothing,
     ../test_single_flight.py::test_a_cancelled_follower_does_not_stop_the_leader
J4   test_life_cycle.py::test_closing_cancelled_by_a_scope_closes_all,
     test_life_cycle.py::test_closing_in_a_cancelled_task_closes_all,
     ../calls/test_closing.py::test_a_transport_that_does_not_close_is_abandoned
J5   responses are not streamed; leaving pagination early:
     ../calls/test_pagination.py::test_leaving_early_fetches_no_further_page
J6   no grace period, because calls have a deadline and closing does not wait:
     test_life_cycle.py::test_calls_in_progress_complete_after_closing,
     test_life_cycle.py::test_a_call_in_progress_at_closing_ends_at_its_deadline,
     test_life_cycle.py::test_a_connection_opened_while_closing_is_closed
J7   test_life_cycle.py::test_concurrent_closing_is_harmless,
     ../calls/test_lifecycle.py::test_a_closed_client_cannot_be_used
J8   ../calls/test_lifecycle.py::test_a_client_stays_with_its_loop
J9   a child process gets an error that says to create its own client:
     test_life_cycle.py::test_a_forked_child_does_not_use_its_parents_connection,
     ../calls/test_lifecycle.py::test_a_forked_child_does_not_write_into_its_parents_connections
J10  test_life_cycle.py::test_five_hundred_calls_over_ten_connections,
     test_life_cycle.py::test_connections_are_first_come_first_served
J11  test_cancelled_calls.py::test_one_failure_in_a_group_cancels_the_others
J12  test_life_cycle.py::test_base_exceptions_pass_through_callbacks
J13  a hook that changes the URL belongs to the user's client, below the connection pool:
     test_life_cycle.py::test_a_failing_user_hook
J14  not run on 3.14t; the development mode:
     test_life_cycle.py::test_python_development_mode_warns_of_nothing
J15  out: a test would take minutes; `benchmarks/soak.py` makes the 100,000 calls
K1   test_operations.py::test_an_endless_operation_times_out
K2   test_operations.py::test_an_unknown_status_does_not_end_an_operation
K3   test_operations.py::test_only_the_status_ends_an_operation
K4   test_operations.py::test_a_new_operation_may_not_be_found_yet
     test_operations_attacked.py::test_the_location_of_a_202_may_not_exist_yet
K5   test_operations.py::test_an_outage_does_not_end_a_wait
     test_operations.py::test_a_lasting_outage_is_the_cause_of_the_timeout
K6   test_operations.py::test_a_retry_after_beyond_the_timeout_ends_the_wait_at_once
K7   test_operations.py::test_an_invalid_operation_token_sends_nothing
     test_operations.py::test_an_operation_token_signed_without_a_secret_stays_on_the_api
     test_operations_attacked.py::test_junk_is_not_an_operation_token
K8   test_operations.py::test_a_verified_event_wakes_a_wait_and_a_forged_one_does_not
K9   test_operations.py::test_three_hundred_operations_share_the_quota
K10  test_operations.py::test_a_token_that_expires_between_polls_is_renewed
     test_operations.py::test_closing_ends_every_wait_at_once
     test_operations.py::test_another_process_resumes_after_a_restart
L1   ../webhooks/test_signing.py::test_a_signed_body_is_accepted
     ../webhooks/test_signing.py::test_known_signatures
L2   ../webhooks/test_signing.py::test_a_changed_bit_of_the_body_is_refused
     ../webhooks/test_signing.py::test_a_changed_bit_of_the_signature_is_refused
L3   ../webhooks/test_signing.py::test_a_malformed_header_is_refused
     ../webhooks/test_signing.py::test_any_junk_is_refused_in_the_same_way
L4   ../webhooks/test_signing.py::test_an_invalid_secret_is_refused
     ../webhooks/test_signing.py::test_sign_refuses_an_invalid_secret_too
L5   ../webhooks/test_signing.py::test_the_index_says_which_secret_matched
     ../webhooks/test_signing.py::test_a_removed_secret_is_refused
L6   ../webhooks/test_signing.py::test_reformatted_json_gets_a_message_of_its_own
     ../webhooks/test_signing.py::test_reformatting_takes_linear_time
L7   time is not measured, because machines are shared; the comparisons are counted:
     ../webhooks/test_signing.py::test_every_secret_is_compared_in_constant_time
L8   ../webhooks/test_router.py::test_the_same_delivery_is_handled_once
     ../webhooks/test_router.py::test_a_forgotten_event_is_handled_again
     ../webhooks/test_router.py::test_a_recorded_delivery_is_one_event_at_any_url
     ../webhooks/test_events.py::test_other_content_has_another_key
L9   ../webhooks/test_router.py::test_while_the_store_is_down_events_are_handled_and_flagged
     ../webhooks/test_router.py::test_while_the_store_is_down_a_closed_guard_refuses
     ../webhooks/test_router.py::test_a_store_that_fails_after_the_handler_is_flagged
     ../webhooks/test_replay.py::test_a_store_has_one_second
L10  ../webhooks/test_events.py::test_a_body_that_is_not_json_is_refused
     ../webhooks/test_events.py::test_the_last_of_two_fields_with_one_name_counts
     ../webhooks/test_router.py::test_bad_deliveries_are_refused_and_the_next_one_is_handled
L11  ../webhooks/test_signing.py::test_nothing_of_a_delivery_is_in_its_error
     ../webhooks/test_signing.py::test_a_refused_secret_is_in_no_variable
L12  without atheris, by Hypothesis with thousands of examples, not millions:
     ../webhooks/test_router.py::test_junk_is_refused_or_parsed
     ../webhooks/test_events.py::test_any_bytes_are_an_event_or_refused
     ../webhooks/test_signing.py::test_any_junk_is_refused_in_the_same_way
M1   test_shapes.py::test_any_bytes_are_decoded_or_refused
     test_shapes.py::test_mutated_bytes_are_decoded_or_refused
     (and for hours: fuzz_answers.py)
M2   out: httpcore parses the bytes; the rows of B refuse what it accepts unsafely
M3   test_shapes.py::test_mutated_examples_are_decoded_or_refused
M4   out: rate limit, retries and access token are tested with their own clocks; see R1, E13, F
M5   test_shapes.py::test_any_header_is_used_or_ignored
     ../retry/test_policy.py::test_no_header_breaks_the_parser
M6   out: the local Sikoia against the specification is a later issue; its responses are compared in
     ../sandbox/test_responses.py::test_every_operation_is_walked
M7   every row runs on asyncio and on trio alike; over httpx2, aiohttp and httpx-aiohttp, which
     callers bring, those that the wire decides:
     test_wires.py::test_a_response_that_is_not_complete_is_refused
     test_wires.py::test_a_broken_gzip_is_refused
     test_wires.py::test_a_cancelled_call_leaves_nothing
     test_wires.py::test_a_refused_connection_is_unsent_only_if_that_is_proven
M8   out: done by hand, module by module, and not in the gate
M9   out: cancelled at each step by hand,
     ../rate_limit/test_cancelled.py::test_a_scope_cancelled_at_any_step
"""

import re
from pathlib import Path
from typing import Final

__all__ = ["ROWS", "held_by", "missing"]

_SIZES: Final = {
    "A": 16,
    "B": 23,
    "C": 18,
    "D": 10,
    "E": 18,
    "F": 19,
    "R": 16,
    "H": 12,
    "I": 12,
    "J": 15,
    "K": 10,
    "L": 12,
    "M": 9,
}
_ROW: Final = re.compile(r"^([A-Z][0-9]+) +(.*(?:\n {5}.*)*)", re.MULTILINE)
_TEST: Final = re.compile(r"((?:\.\./)?[a-z_/0-9]+\.py)::(test_[a-z_0-9]+)")

ROWS: Final[dict[str, str]] = {
    name: " ".join(said.split()) for name, said in _ROW.findall(__doc__ or "")
}
"""What the table says of each row, by the row's id."""


def missing() -> set[str]:
    """Return the rows that the table does not have."""
    wanted = {f"{letter}{number + 1}" for letter, size in _SIZES.items() for number in range(size)}
    return wanted - ROWS.keys()


def held_by(said: str) -> dict[str, bool]:
    """Return the tests that a row names, and whether each is there."""
    return {f"{file}::{test}": _is_there(file, test) for file, test in _TEST.findall(said)}


def _is_there(file: str, test: str) -> bool:
    path = Path(__file__).parent / file
    return path.exists() and f"def {test}(" in path.read_text()
