use mime::Mime;
use poem::{
    Request,
    http::{HeaderMap, header},
};
use problem::{Problem, unsupported_media_type};

/// Checks that a body is announced as uncompressed `application/json` in UTF-8: RFC 8259 has no other encoding. Other
/// parameters than `charset` are ignored, as RFC 2045 requires.
pub(crate) fn check_is_json(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if !is_json(headers) {
        return Err(unsupported_media_type(request.content_type()));
    }
    let is_plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_plain {
        Ok(())
    } else {
        Err(unsupported_media_type(None).detail("Send the body without Content-Encoding: it is read as it is."))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|sent| sent.to_str().ok());
    // White space around a `;` and empty parameters are allowed (RFC 9110, 5.6.6); the crate refuses both.
    let parts = sent.map(|sent| sent.split(';').map(str::trim).filter(|part| !part.is_empty()));
    let sent = parts.map(|parts| parts.collect::<Vec<_>>().join(";"));
    let Some(sent) = sent.and_then(|sent| sent.parse::<Mime>().ok()) else {
        return false;
    };
    let mut charsets = sent.params().filter(|(name, _)| *name == mime::CHARSET);
    sent.essence_str() == mime::APPLICATION_JSON.essence_str()
        && charsets.all(|(_, charset)| charset.as_str().eq_ignore_ascii_case("utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| {
            request.header(*name, *value)
        });
        check_is_json(&request.finish())
            .err()
            .map(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_body_is_uncompressed_json_in_utf_8() {
        for good in [
            "application/json",
            "APPLICATION/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "application/json; Charset=\"Utf-8\"",
            "application/json; odata.metadata=minimal",
            "application/json ;charset=utf-8",
            "application/json ;",
            "application/json;;charset=utf-8",
        ] {
            assert_eq!(status(&[("content-type", good)]), None, "{good}");
        }
        for bad in [
            "",
            "json",
            "text/json",
            "text/plain",
            "application/vnd.api+json",
            "application/problem+json",
            "application/jsonp",
            "application/json+x",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json, text/plain",
            "multipart/form-data; boundary=x",
        ] {
            assert_eq!(status(&[("content-type", bad)]), Some(415), "{bad}");
        }
        assert_eq!(status(&[]), Some(415));
        let json = ("content-type", "application/json");
        for (encoding, expected) in [
            ("identity", None),
            ("gzip", Some(415)),
            ("br", Some(415)),
            ("identity, gzip", Some(415)),
        ] {
            assert_eq!(status(&[json, ("content-encoding", encoding)]), expected, "{encoding}");
        }
    }
}
