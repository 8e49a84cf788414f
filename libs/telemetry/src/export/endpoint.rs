use std::str::FromStr;

use url::Url;

/// The address at which a collector takes spans.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint(Url);

/// An address to which no spans can be sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidEndpoint {
    /// It is not a URL.
    #[error("{0}")]
    InvalidUrl(#[from] url::ParseError),
    /// It is not plain HTTP.
    #[error("must begin with http:// : a collector on this machine or network sends on, encrypted")]
    NotHttp,
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    /// Reads the collector's base address, such as `http://127.0.0.1:4318`, and adds `/v1/traces` to it
    /// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp>).
    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let mut url = Url::parse(text)?;
        if url.scheme() != "http" {
            return Err(InvalidEndpoint::NotHttp);
        }
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1/traces"));
        Ok(Self(url))
    }
}

impl Endpoint {
    /// The URL to which spans are posted.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_below_the_base_address() {
        let url = |text: &str| text.parse::<Endpoint>().map(|endpoint| endpoint.url().to_string());
        assert_eq!(url("http://127.0.0.1:4318").unwrap(), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(
            url("http://collector/otlp/").unwrap(),
            "http://collector/otlp/v1/traces"
        );
        assert_eq!(url("https://collector"), Err(InvalidEndpoint::NotHttp));
        assert!(url("collector").is_err());
    }
}
