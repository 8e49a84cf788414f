//! Confirming a change of the address, by the links of the two mails.

use super::link;
use crate::{
    api_client::account::{self, EmailChangeStatus},
    frame::{PageResult, Visit},
    pages::parts::Message,
};

pub(crate) async fn show(visit: Visit) -> PageResult {
    link::show_button(
        &visit,
        "change-email-title",
        "change-email-explanation",
        "change-email-button",
    )
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let token: String = visit.parameter("token")?;
    let (heading, explanation) = match account::confirm_email_change(visit.session(), &token).await {
        Ok(EmailChangeStatus::Changed) => ("email-changed-title", "email-changed"),
        Ok(EmailChangeStatus::Waiting) => ("email-half-changed-title", "email-half-changed"),
        Err(error) if link::is_invalid(&error) => {
            return link::show_invalid(&visit, &[("nav-account", "/account")]);
        }
        Err(error) => return Err(error.into()),
    };
    let message = Message {
        heading,
        explanation,
        hints: &[],
        email: String::new(),
        links: &[("nav-account", "/account"), ("error-home", "/")],
    };
    link::show_done(&visit, message)
}
