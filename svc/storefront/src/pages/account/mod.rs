//! The account of a person: name, language, address, password, sessions, second factor, data, deletion.

mod data;
mod deletion;
mod email;
mod export_file;
mod overview;
mod password;
mod recovery;
mod refused;
mod second_factor;
mod sessions;

use crate::frame::{Routes, get};

/// Adds the paths of the account.
pub(super) fn add_routes(routes: Routes) -> Routes {
    routes
        .at("/account", get(overview::show).post(overview::submit))
        .at("/account/confirmation", get(overview::back).post(overview::confirm))
        .at("/account/data", get(data::show))
        .at("/account/data.json", get(data::download))
        .at("/account/deletion", get(deletion::show).post(deletion::submit))
        .at(
            "/account/deletion/withdrawal",
            get(deletion::back).post(deletion::withdraw),
        )
        .at("/account/email", get(email::show).post(email::submit))
        .at("/account/password", get(password::show).post(password::submit))
        .at("/account/sessions", get(sessions::show))
        .at("/account/sessions/end", get(sessions::back).post(sessions::end))
        .at(
            "/account/sessions/end-others",
            get(sessions::back).post(sessions::end_others),
        )
        .at(
            "/account/second-factor",
            get(second_factor::show).post(second_factor::enrol),
        )
        .at(
            "/account/second-factor/confirmation",
            get(second_factor::back).post(second_factor::confirm),
        )
        .at(
            "/account/second-factor/recovery-codes",
            get(recovery::show_renewal).post(recovery::renew),
        )
        .at(
            "/account/second-factor/removal",
            get(recovery::show_removal).post(recovery::remove),
        )
}
