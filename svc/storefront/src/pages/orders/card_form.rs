//! What the card form needs: the script of Stripe, or of the simulator in its place, and the policy that allows it.

use url::Url;

use super::step::Step;
use crate::{api_client::payments::Payment, frame::Policy};

/// The values of the card form.
pub(crate) struct CardForm {
    /// The address of the script.
    pub(crate) script: String,
    pub(crate) publishable_key: String,
    pub(crate) client_secret: String,
}

impl CardForm {
    /// Returns the form with which the browser continues a payment, at the steps that have one.
    pub(super) fn new(step: Step, payment: Option<&Payment>, script: &Url) -> Option<Self> {
        let payment = payment.filter(|_| matches!(step, Step::EnterCard | Step::AskBank))?;
        Some(Self {
            script: script.to_string(),
            publishable_key: payment.publishable_key.clone()?,
            client_secret: payment.client_secret.clone()?,
        })
    }
}

/// The script that is served by Stripe.
const STRIPE: &str = "https://js.stripe.com";

/// Returns the policy of a page with the card form: its script may show frames of its origin and send requests there. That of
/// Stripe has two more origins (<https://docs.stripe.com/security/guide#content-security-policy>).
pub(super) fn policy(script: &Url) -> Policy {
    let origin = script.origin().ascii_serialization();
    let policy = Policy::default().with_script_of(&origin);
    if origin == STRIPE {
        policy
            .with_connection_to("https://api.stripe.com")
            .with_frame_of("https://hooks.stripe.com")
    } else {
        policy
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn header(script: &str) -> String {
        let mut headers = HeaderMap::new();
        policy(&script.parse().unwrap()).set(&mut headers);
        headers["content-security-policy"].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_page_loads_the_script_of_the_setting_and_no_other() {
        let simulator = header("http://127.0.0.1:12111/v3/");
        for directive in ["script-src 'self'", "connect-src 'self'", "frame-src"] {
            let expected = format!("{directive} http://127.0.0.1:12111");
            assert!(
                simulator.split("; ").any(|found| found == expected),
                "{expected}: {simulator}"
            );
        }
        assert!(!simulator.contains("stripe.com"), "{simulator}");
        let stripe = header("https://js.stripe.com/v3/");
        for expected in [
            "script-src 'self' https://js.stripe.com",
            "connect-src 'self' https://js.stripe.com https://api.stripe.com",
            "frame-src https://js.stripe.com https://hooks.stripe.com",
        ] {
            assert!(
                stripe.split("; ").any(|found| found == expected),
                "{expected}: {stripe}"
            );
        }
    }
}
