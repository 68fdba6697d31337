//! What every store has to pass, written once as functions over a [`Factory`].
//!
//! [`conformance_suite!`](crate::conformance_suite) makes a test of each:
//!
//! ```ignore
//! deed_adapters::conformance_suite!(MyFactory::default());
//! ```
//!
//! The functions panic where the store does not do what the ports say. Each is given a factory of its own, whose store
//! is empty when it is first opened.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these functions are tests: they stop at the first surprise"
)]

pub mod accounts;
pub mod api_keys;
pub mod appending;
pub mod counting;
pub mod deciding_together;
pub mod departing;
pub mod following;
pub mod gateways;
pub mod links;
pub mod listing;
pub mod logins;
pub mod naming;
pub mod overload;
mod postgres_server;
pub mod profiles;
pub mod projecting;
pub mod registry;
pub mod repeating;
pub mod users;
mod world;

use std::sync::Arc;

use async_trait::async_trait;
use deed_domain::ports::Clock;

pub use crate::Ports;
pub use postgres_server::{PostgresServer, database_beside, new_database};
pub use world::SettableClock;

/// Makes one store.
#[async_trait]
pub trait Factory: Send + Sync {
    /// Opens the store: empty the first time, with all that it held when it is opened again. Whatever was opened before
    /// is closed.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Ports>;

    /// More commands than the store lets wait at once; `None` if any number may wait.
    fn more_than_can_wait(&self) -> Option<usize>;
}

/// A test for each function of the suite, over a new factory each.
#[macro_export]
macro_rules! conformance_suite {
    ($factory:expr) => {
        $crate::conformance_suite! { @tests $factory;
            appending {
                what_is_appended_is_loaded
                positions_and_sequences_have_no_gaps
                commands_are_carried_out_in_the_order_in_which_they_began
                the_events_of_a_command_stand_together
                a_refusal_keeps_its_events_and_writes_nothing_else
                a_command_that_appends_nothing_is_answered_with_the_end_of_the_log
                time_never_goes_back
                bytes_are_stored_as_they_were_written
                a_decision_that_panics_fails_only_its_command
            }
            naming {
                a_device_is_found_by_the_name_that_it_bears_in_its_tenant
                a_name_given_in_the_same_batch_is_found
                a_name_is_taken_once
                a_name_is_taken_once_in_the_same_batch
                a_device_keeps_its_own_name
                a_removal_frees_the_name_in_the_same_batch
                credentials_are_taken_once_on_the_platform
                credentials_are_replaced_only_as_they_were_seen
                a_profile_is_added_once
            }
            deciding_together {
                of_fifty_claims_one_wins
                of_many_claims_on_many_devices_one_each_wins
                in_any_interleaving_each_epoch_has_one_winner
                each_command_sees_what_the_ones_before_it_did
            }
            repeating {
                a_named_command_is_carried_out_once
                a_refused_command_is_refused_the_same_way_again
                a_named_command_is_carried_out_once_however_often_it_comes_at_once
                what_was_not_appended_may_be_sent_again
                a_repeated_addition_names_the_key_that_it_added
                a_repeated_claim_shows_nobody_anothers_device
                a_repeated_registration_restarts_nothing
                a_made_key_is_taken_as_people_type_it
            }
            counting {
                counts_are_given_to_those_who_ask
                counts_are_seen_in_the_same_batch
                wrong_keys_over_all_devices_are_counted_exactly
                refusals_are_told_once_under_a_flood
            }
            following {
                every_page_goes_on_where_the_last_one_ended
                a_page_that_matches_nothing_still_moves_on
                the_log_is_found_by_time
                the_last_of_each_is_found
                a_subscription_catches_up_and_then_waits
                a_subscription_is_woken_by_its_scope_only
                giving_up_waiting_loses_nothing
                nothing_is_lost_or_doubled_while_many_append
                who_watches_devices_is_told_what_was_written
            }
            gateways {
                a_gateway_is_one_as_long_as_its_device_says_so
                what_a_gateway_names_is_found
                a_gateway_makes_what_it_names
                a_device_is_reached_through_the_first_gateway_that_names_it
                of_two_gateways_at_once_one_has_the_device
                a_gateway_goes_and_its_devices_are_free
                an_administrator_names_another_gateway
                a_gateway_registers_for_its_own_devices_alone
                what_cannot_be_registered_harms_no_other_device
            }
            listing {
                every_list_shows_what_the_log_has_in_its_order
                pages_of_a_list_are_the_list
                a_text_is_a_literal_part_in_whatever_case
                devices_are_listed_by_their_keys
            }
            projecting {
                read_models_follow_from_the_log_at_any_moment
                a_reader_sees_what_a_writer_was_told
                devices_with_expired_keys_are_due
            }
            registry {
                what_belongs_to_a_command_is_written_with_it
                credentials_replace_those_before_them
                a_device_keeps_as_many_attributes_as_it_may
                attributes_are_put_and_deleted_by_key_and_scope
                attributes_of_others_are_put_and_deleted
                people_are_found_again
            }
            logins {
                a_login_lasts_until_it_expires
                a_login_ends_when_its_user_ends_it
                another_password_ends_all_logins
            }
            users {
                users_are_listed_page_by_page
                a_user_is_saved_at_the_expected_version
                a_disabled_user_is_out_at_once
                of_two_who_shut_out_each_other_one_stays
                nothing_is_left_of_a_deleted_user
            }
            links {
                a_link_is_good_once_and_until_it_expires
                a_link_stays_while_it_is_good_for_long_enough
                a_link_goes_with_the_email
                a_link_for_another_password_serves_only_who_may_sign_in
            }
            api_keys {
                a_key_speaks_for_its_user
                keys_are_listed_page_by_page
            }
            accounts {
                customers_are_saved_under_titles_of_their_own
                customers_are_listed_page_by_page
                a_tenant_has_one_public_customer
                a_public_login_speaks_for_the_public_customer_alone
                tenants_are_saved_and_listed
            }
            profiles {
                profiles_are_saved_under_names_of_their_own
                a_device_writes_as_its_profile_says
                a_provision_key_belongs_to_one_profile
                profiles_are_listed_page_by_page
                a_tenant_has_one_default_profile
                a_profile_stays_while_devices_have_it
                no_profile_is_added_to_a_tenant_that_goes
            }
            departing {
                who_is_marked_is_there_for_nobody
                no_command_under_way_gives_a_device_to_a_marked_customer
                a_customer_goes_with_its_people_and_its_devices_are_free
                a_deletion_that_was_cut_off_goes_on
                a_tenant_goes_with_everything_but_its_events
                no_device_is_added_to_a_tenant_that_goes
            }
            overload {
                a_store_with_too_much_to_do_says_so
            }
        }
    };
    (@tests $factory:expr; $($module:ident { $($test:ident)+ })+) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                $crate::conformance::$module::$test(&$factory).await;
            })+
        })+
    };
}
