//! Signing out.

use http::StatusCode;

use crate::{
    api_client::auth,
    frame::{PageResult, Visit},
};

pub(crate) async fn submit(visit: Visit) -> PageResult {
    match auth::sign_out(visit.session()).await {
        Ok(response) => visit.session().relay_cookies(&response),
        // The session is over already.
        Err(error) if error.is_status(StatusCode::UNAUTHORIZED) => visit.session().clear_tokens(),
        Err(error) => return Err(error.into()),
    }
    visit.forget_language_of_account();
    visit.redirect("/")
}
