use crate::{
    api_client::{ApiResponse, auth},
    frame::Visit,
};

/// Begins the session of a person who has signed in, with the cookies of auth's response and the language of the account.
pub(super) fn begin(visit: &Visit, signed_in: &ApiResponse) {
    visit.session().relay_cookies(signed_in);
    if let Some(language) = auth::language_of(signed_in) {
        visit.keep_language_of_account(language);
    }
}
