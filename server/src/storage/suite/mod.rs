//! What every storage does: tests as functions over [`Storage`], which an implementation runs with `storage_suite!`.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod grants;
pub(crate) mod model;
pub(crate) mod records;
pub(crate) mod sealing;
pub(crate) mod sign_ins;
pub(crate) mod teams;
pub(crate) mod tenants;
pub(crate) mod webhooks;

use jiff::Timestamp;

use super::{Account, AccountKey, NewAccount, SpaceKey, Storage};

/// A place where a storage lives, and can be put back to what it was.
pub(crate) trait Bench {
    /// The implementation.
    type Storage: Storage;
    /// Opens the storage, as a new start of the server does.
    fn open(&self) -> Self::Storage;
    /// Keeps a copy of everything. Nothing has it open.
    fn save(&self);
    /// Puts the copy back. Nothing has it open.
    fn put_back(&self);
}

/// Runs all of the suite over a bench made by an expression.
macro_rules! storage_suite {
    ($bench:expr) => {
        $crate::storage::suite::storage_suite! { @ $bench;
            accounts: an_account_is_found_by_its_address_and_made_once,
            accounts: a_session_lasts_until_it_expires_or_ends,
            accounts: a_disabled_account_is_signed_out_everywhere_at_once,
            records: a_write_is_accepted_once_and_told_to_others_alone,
            records: a_guard_that_does_not_match_brings_what_is_there,
            records: a_page_is_cut_by_count_and_by_bytes_and_goes_on_where_it_was_cut,
            records: conflicts_that_fit_no_reply_undo_the_whole_request,
            records: conflicts_that_leave_a_page_no_room_undo_the_whole_request,
            records: a_pruned_tombstone_expires_older_cursors_but_no_listing_that_began_later,
            records: a_storage_that_was_put_back_knows_no_commit_that_it_lost,
            records: a_storage_that_was_started_again_knows_all_its_commits,
            records: a_long_run_takes_new_names_and_knows_the_old_ones,
            records: a_position_without_a_head_that_covers_it_proves_nothing,
            records: accounts_do_not_meet,
            records: live_records_are_paged_in_the_order_of_their_creation,
            records: what_a_careful_write_replaces_is_kept_and_the_oldest_of_it_goes,
            records: a_sealed_record_is_known_as_one,
            sealing: a_space_that_seals_takes_nothing_that_can_be_read,
            sealing: a_key_document_travels_with_the_records_and_is_no_project,
            sealing: what_the_api_replaced_goes_when_the_floor_is_raised,
            sealing: k58_a_record_in_another_form_is_told_to_no_webhook_and_the_key_document_neither,
            model: random_exchanges_agree_with_the_model,
            grants: a_code_is_redeemed_once_by_whom_it_was_made_for,
            grants: a_disabled_account_is_given_no_code,
            grants: a_code_that_comes_twice_takes_its_tokens_along,
            grants: a_refresh_token_is_good_once_and_kills_its_family_when_it_comes_back,
            grants: a_grant_keeps_the_key_that_it_is_bound_to,
            grants: revoking_a_token_ends_what_it_belongs_to,
            grants: tokens_expire_and_are_swept,
            grants: a_device_is_seen_named_and_revoked_by_its_own_account_alone,
            backups: ten_backups_are_kept_and_come_back_as_they_went_in,
            backups: an_upload_that_never_ended_is_no_backup,
            backups: a_backup_is_deleted_by_its_own_account_alone,
            teams: a_member_has_a_role_until_they_are_removed_and_may_come_back,
            teams: nobody_is_in_two_teams_at_a_time,
            teams: whoever_is_disabled_is_given_no_role_and_keeps_their_place,
            teams: what_is_done_together_is_done_whole_or_not_at_all,
            teams: an_invitation_is_for_one_address_until_it_is_taken_back,
            teams: a_teams_space_is_nobodys_own,
            tenants: a_tenant_keeps_its_team_when_its_settings_change,
            tenants: an_identity_is_one_tenants_and_its_account_has_no_password,
            tenants: a_removed_tenant_takes_its_accounts_along_and_no_others,
            audit: each_accepted_write_is_told_to_the_audit_trail_and_no_other,
            audit: the_audit_trail_is_read_by_team_and_by_time_and_goes_by_age_alone,
            sign_ins: a_proof_is_good_for_one_sign_in_until_it_is_too_old_anyway,
            sign_ins: a_disabled_account_signs_in_nowhere_and_spends_nothing,
            sign_ins: an_account_goes_to_another_identity_only_after_its_own_was_forgotten,
            sign_ins: the_newest_judgement_of_an_account_stays_the_newest,
            sign_ins: an_address_moves_only_to_where_nobody_has_it,
            webhooks: each_accepted_write_is_told_to_those_who_listen_and_no_other,
            webhooks: a_sync_tells_of_a_hundred_projects_one_by_one_and_of_more_at_once,
            webhooks: the_published_api_tells_of_what_it_replaced_and_of_no_sync,
            webhooks: an_endpoint_is_its_own_spaces_alone,
            webhooks: devices_are_told_of_to_their_account_however_they_come_and_go,
            webhooks: nothing_goes_out_for_an_account_that_was_disabled,
            webhooks: what_is_done_to_webhooks_stands_in_the_audit_trail_without_their_secrets,
            webhooks: a_space_has_fifty_endpoints_and_no_more,
            webhooks: deliveries_of_a_month_ago_are_forgotten_and_later_ones_are_kept,
            webhooks: what_is_sent_and_not_pulled_is_not_handed_out,
        }
    };
    (@ $bench:expr; $($area:ident: $name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $crate::storage::suite::$area::$name(&$bench);
            }
        )*
    };
}
pub(crate) use storage_suite;

/// A moment to begin with; tests do not look at the clock.
pub(super) fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// An account named after `name`.
pub(super) fn account(storage: &impl Storage, name: &str) -> Account {
    let email = format!("{name}@example.com");
    storage
        .create_account(&NewAccount { email: &email, password: Some("phc"), plan: "Pro Plan" }, start())
        .unwrap()
}

/// The key of a new account.
pub(super) fn key(storage: &impl Storage, name: &str) -> AccountKey {
    account(storage, name).key
}

/// The space of a new account.
pub(super) fn space(storage: &impl Storage, name: &str) -> SpaceKey {
    account(storage, name).space
}
