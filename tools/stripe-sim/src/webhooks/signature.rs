//! The signature of a webhook (<https://docs.stripe.com/webhooks#verify-manually>).

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Returns `t=…,v1=…`: the time in seconds, and the HMAC-SHA256 of time and payload.
pub(super) fn signature(secret: &str, seconds: i64, payload: &str) -> String {
    let mut tag = String::new();
    // HMAC takes a key of any length, and a String takes any text: neither can fail.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{seconds}.{payload}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _infallible = write!(tag, "{byte:02x}");
        }
    }
    format!("t={seconds},v1={tag}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_the_hmac_of_time_and_payload() {
        // echo -n '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
        assert_eq!(super::signature("whsec_test", 1_700_000_000, "{}"), expected);
    }
}
