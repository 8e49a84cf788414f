//! The pages that links in mails lead to, and those that request such a mail.
//!
//! The path of a link is a secret. A button confirms, so that programs which follow the links of a mail confirm nothing.

mod change_email;
mod confirm;
mod link;
mod request;
mod reset;

use crate::frame::{Routes, get};

/// Adds the paths of links in mails.
pub(super) fn add_routes(routes: Routes) -> Routes {
    routes
        .at("/confirm", get(request::show_confirm).post(request::submit_confirm))
        .at("/confirm/{token}", get(confirm::show).post(confirm::submit))
        .at("/forgot", get(request::show_forgot).post(request::submit_forgot))
        .at("/reset/{token}", get(reset::show).post(reset::submit))
        .at(
            "/change-email/{token}",
            get(change_email::show).post(change_email::submit),
        )
}
