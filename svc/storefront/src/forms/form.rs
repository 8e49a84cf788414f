use http::{HeaderMap, header};
use poem::{Body, error::ReadBodyError};

/// The maximum size of a form, in bytes: a description of a listing in any script, and some room.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum number of fields. No form of ours has as many.
const MAX_FIELDS: usize = 100;

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A form as it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

/// Why a form cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FormError {
    TooLarge,
    Malformed,
}

impl Form {
    /// Reads the body of a request.
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, FormError> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case(CONTENT_TYPE) {
            return Err(FormError::Malformed);
        }
        let bytes = body.into_bytes_limit(MAX_BYTES).await.map_err(|error| match error {
            ReadBodyError::PayloadTooLarge => FormError::TooLarge,
            _ => FormError::Malformed,
        })?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let pairs = url::form_urlencoded::parse(bytes).into_owned();
        let fields: Vec<_> = pairs.take(MAX_FIELDS + 1).collect();
        if fields.len() > MAX_FIELDS {
            return Err(FormError::TooLarge);
        }
        Ok(Self(fields))
    }

    /// Returns a field as it was sent, such as a password. An absent one is empty.
    pub(crate) fn raw(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value)
    }

    /// Returns a field without the spaces around it. Line breaks are those of a text, not those of a form.
    pub(crate) fn trimmed(&self, name: &str) -> String {
        self.raw(name).trim().replace("\r\n", "\n")
    }

    /// Returns a field; `None` if it is empty.
    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        Some(self.trimmed(name)).filter(|text| !text.is_empty())
    }

    /// Returns a field as a number or another value; `None` if it is not one.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.trimmed(name).parse().ok()
    }

    /// Whether a box is checked.
    pub(crate) fn is_checked(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: &'static str, body: impl Into<Body>) -> Result<Form, FormError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        Form::read(&headers, body.into()).await
    }

    #[tokio::test]
    async fn fields_are_decoded() {
        let form = read(
            "application/x-www-form-urlencoded; charset=utf-8",
            "a=1&b=+gr%C3%B6%C3%9Fer+%0D%0A2&a=3&c=",
        )
        .await
        .unwrap();
        assert_eq!((form.parsed("a"), form.trimmed("b").as_str()), (Some(1), "größer \n2"));
        assert_eq!((form.raw("none"), form.optional("c")), ("", None));
        assert_eq!(form.raw("b"), " größer \r\n2");
    }

    #[tokio::test]
    async fn what_no_form_of_ours_sends_is_refused() {
        let refused = |result: Result<Form, FormError>| result.unwrap_err();
        let json = read("application/json", "{}").await;
        assert_eq!(refused(json), FormError::Malformed);
        let large = read(CONTENT_TYPE, vec![b'a'; MAX_BYTES + 1]).await;
        assert_eq!(refused(large), FormError::TooLarge);
        let many = read(CONTENT_TYPE, "a=1&".repeat(MAX_FIELDS + 1)).await;
        assert_eq!(refused(many), FormError::TooLarge);
    }
}
