//! Confirming an address, by the link of a mail.

use super::link;
use crate::{
    api_client::account,
    frame::{PageResult, Visit},
    pages::parts::Message,
};

pub(crate) async fn show(visit: Visit) -> PageResult {
    link::show_button(&visit, "confirm-title", "confirm-explanation", "confirm-button")
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let token: String = visit.parameter("token")?;
    let confirmed = match account::confirm_email(visit.session(), &token).await {
        Ok(confirmed) => confirmed,
        Err(error) if link::is_invalid(&error) => {
            return link::show_invalid(
                &visit,
                &[("confirm-again-link", "/confirm"), ("sign-in-link", "/signin")],
            );
        }
        Err(error) => return Err(error.into()),
    };
    let is_signed_in = visit.session().is_signed_in();
    if is_signed_in {
        // The access token states whether the address is confirmed.
        visit.session().renew().await;
    }
    let message = Message {
        heading: "confirmed-title",
        explanation: "confirmed",
        hints: if confirmed.needs_password {
            &["confirmed-set-password"]
        } else {
            &[]
        },
        email: confirmed.email,
        links: if is_signed_in {
            &[("error-home", "/"), ("nav-account", "/account")]
        } else {
            &[("sign-in-link", "/signin")]
        },
    };
    link::show_done(&visit, message)
}
