use futures_util::stream;
use http::{HeaderMap, header};
use multer::Multipart;
use poem::{Body, error::ReadBodyError};

use super::FormError;

/// The maximum size of a file, in bytes: that of a picture.
const MAX_FILE_BYTES: usize = 5 * 1024 * 1024;

/// The maximum size of a form with a file, in bytes.
const MAX_BYTES: usize = MAX_FILE_BYTES + 64 * 1024;

/// Reads the file in a field of a form (`multipart/form-data`, RFC 7578). It is empty if none was chosen.
pub(crate) async fn read_file(headers: &HeaderMap, body: Body, field: &str) -> Result<Vec<u8>, FormError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default()).map_err(|_| FormError::Malformed)?;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let length = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BYTES) {
        return Err(FormError::TooLarge);
    }
    let bytes = body.into_bytes_limit(MAX_BYTES).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => FormError::TooLarge,
        _ => FormError::Malformed,
    })?;
    let mut form = Multipart::new(stream::iter([Ok::<_, std::io::Error>(bytes)]), boundary);
    while let Some(found) = form.next_field().await.map_err(|_| FormError::Malformed)? {
        if found.name() == Some(field) {
            let file = found.bytes().await.map_err(|_| FormError::Malformed)?;
            return if file.len() > MAX_FILE_BYTES {
                Err(FormError::TooLarge)
            } else {
                Ok(file.into())
            };
        }
    }
    Err(FormError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=b";

    fn form(file: &[u8]) -> Vec<u8> {
        let mut form =
            b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; \
                         name=\"image\"; filename=\"f\"\r\n\r\n"
                .to_vec();
        form.extend_from_slice(file);
        form.extend_from_slice(b"\r\n--b--\r\n");
        form
    }

    async fn read(content_type: &'static str, body: Vec<u8>) -> Result<Vec<u8>, FormError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        read_file(&headers, body.into(), "image").await
    }

    #[tokio::test]
    async fn a_file_is_read_byte_by_byte_up_to_its_limit() {
        for file in [&b""[..], b"\xff\xd8\r\n--c\r\n\0", &vec![7; MAX_FILE_BYTES]] {
            assert_eq!(read(TYPE, form(file)).await.as_deref(), Ok(file));
        }
        for size in [MAX_FILE_BYTES + 1, MAX_BYTES + 1] {
            assert_eq!(read(TYPE, form(&vec![7; size])).await, Err(FormError::TooLarge));
        }
    }

    #[tokio::test]
    async fn what_no_form_with_a_file_sends_is_refused() {
        let cut = form(b"abc").into_iter().take(120).collect();
        for (content_type, body) in [
            (TYPE, b"--b--\r\n".to_vec()),
            (TYPE, cut),
            (TYPE, b"image=1".to_vec()),
            ("application/x-www-form-urlencoded", form(b"a")),
            ("multipart/form-data", form(b"a")),
        ] {
            assert_eq!(
                read(content_type, body).await,
                Err(FormError::Malformed),
                "{content_type}"
            );
        }
    }
}
