//! The headers of responses: what a browser may do with them.

use std::fmt::Write;

use poem::{
    Request, Response, ResponseBuilder,
    http::{HeaderValue, StatusCode, header, uri::Authority},
};

/// Our own pages: a stylesheet, and a frame with a mail.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// The HTML of a mail: its own styles, and links that open in another tab. Without `allow-same-origin` and `allow-scripts`.
const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                           style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'self'";

/// A file that is no page.
const FILE_POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// Returns whether the request names this machine. The page of another site, whose name its owner points to this machine, would
/// otherwise read the mails.
pub(super) fn is_for_this_machine(request: &Request) -> bool {
    let host = request.headers().get(header::HOST).map(HeaderValue::to_str);
    let authority = match (request.uri().authority(), host) {
        (Some(authority), _) => Some(authority.clone()),
        (None, Some(Ok(host))) => host.parse::<Authority>().ok(),
        _ => None,
    };
    authority.is_some_and(|authority| ["127.0.0.1", "localhost"].contains(&authority.host()))
}

/// Returns a page of ours.
pub(super) fn page(status: StatusCode, html: String) -> Response {
    html_response(PAGE_POLICY).status(status).body(html)
}

/// Returns the HTML of a mail, for a frame.
pub(super) fn mail(html: String) -> Response {
    html_response(MAIL_POLICY).body(html)
}

/// Returns the stylesheet of our pages.
pub(super) fn stylesheet(css: &'static str) -> Response {
    response(FILE_POLICY).content_type("text/css; charset=utf-8").body(css)
}

/// Returns a file that a browser saves, under a name that may come from anybody.
pub(super) fn download(name: &str, content: Vec<u8>) -> Response {
    response(FILE_POLICY)
        .content_type("application/octet-stream")
        .header(header::CONTENT_DISPOSITION, disposition(name))
        .body(content)
}

fn html_response(policy: &'static str) -> ResponseBuilder {
    response(policy).content_type("text/html; charset=utf-8")
}

fn response(policy: &'static str) -> ResponseBuilder {
    Response::builder()
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::CACHE_CONTROL, "no-store")
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-resource-policy", "same-origin")
}

/// Returns the header that makes a browser save a file (RFC 6266), with the name percent-encoded (RFC 8187).
fn disposition(name: &str) -> String {
    let mut encoded = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let request = |host: &str| Request::builder().header(header::HOST, host).finish();
        for host in ["127.0.0.1:4009", "localhost:4009", "localhost"] {
            assert!(is_for_this_machine(&request(host)), "{host}");
        }
        for host in ["rebound.example:4009", "127.0.0.1.example", "a@b", "", "127.0.0.2"] {
            assert!(!is_for_this_machine(&request(host)), "{host}");
        }
        assert!(!is_for_this_machine(&Request::builder().finish()));
    }

    #[test]
    fn a_name_adds_no_header_and_no_parameter() {
        assert_eq!(
            disposition("a\r\nb\"; x=ü/../c.pdf"),
            "attachment; filename*=UTF-8''a%0D%0Ab%22%3B%20x%3D%C3%BC%2F..%2Fc.pdf"
        );
    }
}
