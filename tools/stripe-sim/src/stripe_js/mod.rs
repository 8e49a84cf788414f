//! The script that a page loads in place of Stripe.js, and the frame of its Payment Element
//! (<https://docs.stripe.com/js>).

use poem::{
    Response,
    http::{HeaderName, Method, StatusCode, header},
};

/// The policy of the frame: its own script, style and requests; any page may embed it, as at Stripe.
const FRAME_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                            base-uri 'none'; form-action 'none'";

/// The methods and headers of requests that a page may send to the API.
const ALLOWED_METHODS: &str = "GET, POST, DELETE";
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, stripe-account, stripe-version";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file that a browser loads without a key.
struct Asset {
    content_type: &'static str,
    body: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";

fn asset(path: &str) -> Option<Asset> {
    let (content_type, body) = match path {
        "/v3" | "/v3/" => (SCRIPT, include_str!("stripe.js")),
        "/v3/payment-element.html" => (PAGE, include_str!("payment-element.html")),
        "/v3/payment-element.css" => (STYLE, include_str!("payment-element.css")),
        "/v3/payment-element.js" => (SCRIPT, include_str!("payment-element.js")),
        "/v3/authentication.css" => (STYLE, include_str!("authentication.css")),
        "/v3/authentication.js" => (SCRIPT, include_str!("authentication.js")),
        _ => return None,
    };
    Some(Asset { content_type, body })
}

/// Returns the response to a request that is for a file of the script, or a preflight request of a page.
pub(crate) fn respond(method: &Method, path: &str) -> Option<Response> {
    match *method {
        Method::OPTIONS if path.starts_with("/v1/") => Some(preflight()),
        Method::GET | Method::HEAD => asset(path).map(|asset| serve(&asset)),
        _ => None,
    }
}

fn serve(asset: &Asset) -> Response {
    let response = Response::builder()
        .content_type(asset.content_type)
        // A browser that holds the script of an earlier simulator asks again.
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin");
    let response = if asset.content_type == PAGE {
        response
            .header(header::CONTENT_SECURITY_POLICY, FRAME_POLICY)
            .header(header::REFERRER_POLICY, "no-referrer")
    } else {
        response
    };
    response.body(asset.body)
}

/// Allows a page of any origin to send a request with a key: the key decides, not the origin.
fn preflight() -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS)
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS)
        .header(header::ACCESS_CONTROL_MAX_AGE, "300")
        .finish()
}
