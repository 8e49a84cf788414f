//! Sends spans to an OpenTelemetry collector: [OTLP over HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp), as
//! JSON.
//!
//! [`Exporter::new`] gives the [`trace::Outlet`] that spans go into, and what sends them. A collector that is away or slow costs
//! nobody anything but spans.

mod exporter;
mod message;

use std::str::FromStr;

use url::Url;

pub use exporter::Exporter;

/// Where a collector takes spans.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint(Url);

/// An address that no spans can be sent to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadEndpoint {
    /// It cannot be read.
    #[error("{0}")]
    NoUrl(#[from] url::ParseError),
    /// It is not plain HTTP.
    #[error("must begin with http:// : a collector on this machine or network sends on, encrypted")]
    NotHttp,
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    /// The collector's base address, such as `http://127.0.0.1:4318`; `/v1/traces` is added to it
    /// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp>).
    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let mut url = Url::parse(text)?;
        if url.scheme() != "http" {
            return Err(BadEndpoint::NotHttp);
        }
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1/traces"));
        Ok(Self(url))
    }
}

impl Endpoint {
    /// Where spans are posted.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_base_of_where_spans_go() {
        let url = |text: &str| text.parse::<Endpoint>().map(|endpoint| endpoint.url().to_string());
        assert_eq!(url("http://127.0.0.1:4318").unwrap(), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(
            url("http://collector/otlp/").unwrap(),
            "http://collector/otlp/v1/traces"
        );
        assert_eq!(url("https://collector"), Err(BadEndpoint::NotHttp));
        assert!(url("collector").is_err());
    }
}
