use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use poem::{
    IntoResponse, Request, Response,
    http::{HeaderValue, StatusCode, header},
};
use problem::Problem;
use sha2::{Digest, Sha256};

use super::encoding::accepts_gzip;
use crate::http::security_headers::content_security_policy;

/// A file in memory, as it is and compressed. Responses share its bytes.
#[derive(Clone, Debug)]
pub struct Asset {
    content_type: &'static str,
    cache_control: &'static str,
    /// Of a page.
    policy: Option<HeaderValue>,
    plain: Variant,
    gzip: Option<Variant>,
}

#[derive(Clone, Debug)]
struct Variant {
    bytes: Bytes,
    etag: String,
}

impl Asset {
    /// Creates a file that clients revalidate at each use. Compresses it, which takes some milliseconds for large ones.
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = Sha256::digest(&bytes);
        let hash = hex(digest.get(..12).unwrap_or_default());
        let gzip = compress(&bytes)
            .filter(|gzip| gzip.len() < bytes.len())
            .map(|bytes| Variant {
                bytes,
                etag: format!("\"{hash}-gzip\""),
            });
        let page = content_type
            .starts_with("text/html")
            .then(|| str::from_utf8(&bytes).ok());
        let policy = page
            .flatten()
            .and_then(|page| HeaderValue::from_str(&content_security_policy(page)).ok());
        Self {
            content_type,
            cache_control: "no-cache",
            policy,
            plain: Variant {
                bytes,
                etag: format!("\"{hash}\""),
            },
            gzip,
        }
    }

    /// Lets clients use it for a day without revalidation.
    #[must_use]
    pub(super) const fn for_a_day(mut self) -> Self {
        self.cache_control = "public, max-age=86400";
        self
    }

    /// Returns the response to a GET: the encoding that the client accepts, 304 if it has it, 400 if the request has an
    /// unreadable `If-None-Match`.
    pub fn response(&self, request: &Request) -> Response {
        let headers = request.headers();
        let known: Result<Vec<_>, _> = headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .map(HeaderValue::to_str)
            .collect();
        let Ok(known) = known else {
            return Problem::malformed("A header is not as it must be.")
                .field("If-None-Match", "must consist of visible ASCII characters")
                .into_response();
        };
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(headers));
        let variant = gzip.unwrap_or(&self.plain);
        let mut response = Response::builder()
            .header(header::CACHE_CONTROL, self.cache_control)
            .header(header::ETAG, variant.etag.as_str())
            .header(header::VARY, "accept-encoding");
        if let Some(policy) = &self.policy {
            response = response.header(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        if known.iter().any(|known| matches(known, &variant.etag)) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        if gzip.is_some() {
            response = response.header(header::CONTENT_ENCODING, "gzip");
        }
        response.content_type(self.content_type).body(variant.bytes.clone())
    }
}

/// Compares as RFC 9110 (13.1.2) demands: weakly. A proxy may have weakened the tag.
fn matches(known: &str, etag: &str) -> bool {
    known
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn compress(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn get(asset: &Asset, headers: &[(&str, &str)]) -> Response {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| {
            request.header(*name, *value)
        });
        asset.response(&request.finish())
    }

    fn asset() -> Asset {
        Asset::new("text/plain", "ticket ".repeat(100))
    }

    #[tokio::test]
    async fn the_bytes_are_compressed_for_clients_that_accept_it() {
        let (plain, gzip) = (get(&asset(), &[]), get(&asset(), &[("accept-encoding", "br, gzip")]));
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        assert_eq!(plain.header("content-encoding"), None);
        assert_ne!(plain.header("etag"), gzip.header("etag"));
        let gzip = gzip.into_body().into_bytes().await.unwrap();
        let mut text = String::new();
        GzDecoder::new(&*gzip).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain.into_body().into_string().await.unwrap());
    }

    #[test]
    fn a_client_that_has_the_bytes_does_not_receive_them_again() {
        let etag = get(&asset(), &[]).header("etag").unwrap().to_owned();
        for known in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"a\", {etag}"),
            "*".to_owned(),
        ] {
            let response = get(&asset(), &[("if-none-match", &known)]);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(response.header("etag"), Some(etag.as_str()));
        }
        let other = get(&asset(), &[("if-none-match", "\"a\"")]);
        assert_eq!(other.status(), StatusCode::OK);
        let compressed = get(&asset(), &[("if-none-match", &etag), ("accept-encoding", "gzip")]);
        assert_eq!(compressed.status(), StatusCode::OK, "the tag is that of other bytes");
    }

    #[test]
    fn an_unreadable_tag_is_refused() {
        let response = get(&asset(), &[("if-none-match", "\"größer\"")]);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_page_has_a_policy_of_its_own() {
        let page = Asset::new("text/html; charset=utf-8", "<script>a</script>");
        let response = get(&page, &[]);
        assert!(response.header("content-security-policy").unwrap().contains("'sha256-"));
        assert_eq!(get(&asset(), &[]).header("content-security-policy"), None);
    }
}
