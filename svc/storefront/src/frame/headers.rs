use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a page may load and do: its Content-Security-Policy (<https://www.w3.org/TR/CSP3/>), Referrer-Policy and
/// Permissions-Policy. No page runs scripts or applies styles that are within it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// Origins besides ours.
    scripts: Vec<String>,
    frames: Vec<String>,
    connections: Vec<String>,
    has_camera: bool,
    has_worker: bool,
    /// The path of the page is a secret.
    is_secret: bool,
}

impl Policy {
    /// Loads scripts from another origin, which may show frames and send requests there: for the card form.
    pub(crate) fn with_script_of(mut self, origin: &str) -> Self {
        self.scripts.push(origin.to_owned());
        self.frames.push(origin.to_owned());
        self.connections.push(origin.to_owned());
        self
    }

    /// Shows frames of another origin.
    pub(crate) fn with_frame_of(mut self, origin: &str) -> Self {
        self.frames.push(origin.to_owned());
        self
    }

    /// Sends requests to another origin.
    pub(crate) fn with_connection_to(mut self, origin: &str) -> Self {
        self.connections.push(origin.to_owned());
        self
    }

    /// Uses the camera.
    pub(crate) const fn with_camera(mut self) -> Self {
        self.has_camera = true;
        self
    }

    /// Registers a service worker of ours.
    pub(crate) const fn with_worker(mut self) -> Self {
        self.has_worker = true;
        self
    }

    /// Sends no part of the address of this page anywhere.
    pub(crate) const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// Sets the headers that a response does not have yet.
    pub(crate) fn set(&self, headers: &mut HeaderMap) {
        let camera = if self.has_camera { "(self)" } else { "()" };
        let permissions =
            format!("camera={camera}, display-capture=(), geolocation=(), microphone=(), payment=(), usb=()");
        // Not no-referrer for all pages: a browser then sends forms with the origin "null".
        let referrer = if self.is_secret { "no-referrer" } else { "same-origin" };
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, self.content_security_policy()),
            (header::REFERRER_POLICY, referrer.to_owned()),
            (HeaderName::from_static("permissions-policy"), permissions),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin".to_owned(),
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin".to_owned(),
            ),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.entry(name).or_insert(value);
            }
        }
    }

    fn content_security_policy(&self) -> String {
        let mut policy =
            "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'self'; \
                          img-src 'self' data:; manifest-src 'self'"
                .to_owned();
        let _ = write!(
            policy,
            "; worker-src {}",
            if self.has_worker { "'self'" } else { "'none'" }
        );
        for (directive, own, origins) in [
            ("script-src", Some("'self'"), &self.scripts),
            ("connect-src", Some("'self'"), &self.connections),
            ("frame-src", None, &self.frames),
        ] {
            let sources: Vec<_> = own.into_iter().chain(origins.iter().map(String::as_str)).collect();
            if !sources.is_empty() {
                let _ = write!(policy, "; {directive} {}", sources.join(" "));
            }
        }
        policy
    }
}
