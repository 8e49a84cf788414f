//! Pictures in requests and responses.

use bytes::Bytes;
use pictures::Format;
use poem::{IntoResponse, Request, RequestBody, Response, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    payload::Payload,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use problem::{Problem, payload_too_large, unreadable_body, unsupported_media_type};

/// The maximum size of a file, in bytes.
const MAX_FILE_BYTES: usize = 5 * 1024 * 1024;

const FORMATS: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

/// An uploaded picture.
#[derive(Debug)]
pub(super) struct UploadedImage {
    pub(super) file: Bytes,
    pub(super) format: Format,
}

impl<'a> ApiExtractor<'a> for UploadedImage {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let content = FORMATS.map(|format| MetaMediaType {
            content_type: format.media_type(),
            schema: file_schema(),
        });
        Some(MetaRequest {
            description: Some("A file of at most 5 MiB and 40 megapixels, not animated."),
            content: content.into(),
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let format = announced_format(request)?;
        let length = request
            .header(header::CONTENT_LENGTH)
            .and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| length > MAX_FILE_BYTES) {
            return Err(payload_too_large(MAX_FILE_BYTES).into());
        }
        let file = body.take()?.into_bytes_limit(MAX_FILE_BYTES).await;
        let file = file.map_err(|error| unreadable_body(&error, MAX_FILE_BYTES))?;
        Ok(Self { file, format })
    }
}

/// Returns the format that a request announces for its body, which is not compressed further.
fn announced_format(request: &Request) -> Result<Format, Problem> {
    let is_encoded = request
        .headers()
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let sent = request.content_type();
    let kind = sent.and_then(|sent| sent.split(';').next()).map(str::trim);
    let format = FORMATS
        .into_iter()
        .find(|format| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(format.media_type())));
    format.filter(|_| !is_encoded).ok_or_else(|| {
        let what = "Send image/jpeg, image/png or image/webp, without Content-Encoding.";
        unsupported_media_type(sent).detail(what)
    })
}

/// A JPEG as a response.
pub(super) struct JpegFile(pub(super) Vec<u8>);

impl IntoResponse for JpegFile {
    fn into_response(self) -> Response {
        Response::builder().content_type(Self::CONTENT_TYPE).body(self.0)
    }
}

impl Payload for JpegFile {
    const CONTENT_TYPE: &'static str = "image/jpeg";

    fn schema_ref() -> MetaSchemaRef {
        file_schema()
    }
}

fn file_schema() -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")))
}
