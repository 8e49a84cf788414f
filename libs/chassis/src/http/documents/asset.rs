use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use poem::{
    Request, Response,
    http::{HeaderValue, StatusCode, header},
};
use sha2::{Digest, Sha256};

use super::encoding::accepts_gzip;

/// A file in memory, as it is and compressed. Responses share its bytes.
#[derive(Clone, Debug)]
pub struct Asset {
    content_type: &'static str,
    cache_control: &'static str,
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
        Self {
            content_type,
            cache_control: "no-cache",
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

    /// Returns the response to a GET: the encoding that the client accepts, or 304 if it has it.
    pub fn response(&self, request: &Request) -> Response {
        let headers = request.headers();
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(headers));
        let variant = gzip.unwrap_or(&self.plain);
        let mut response = Response::builder()
            .header(header::CACHE_CONTROL, self.cache_control)
            .header(header::ETAG, variant.etag.as_str())
            .header(header::VARY, "accept-encoding");
        if headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|known| matches(known, &variant.etag))
        {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        if gzip.is_some() {
            response = response.header(header::CONTENT_ENCODING, "gzip");
        }
        response.content_type(self.content_type).body(variant.bytes.clone())
    }
}

/// Compares as RFC 9110 (13.1.2) demands: weakly. A proxy may have weakened the tag.
fn matches(known: &HeaderValue, etag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
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
}
