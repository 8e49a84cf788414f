use std::{fmt, sync::Arc};

use crate::{AmqpUrl, Error};

/// The current address of the broker. It is determined before each attempt to connect; an [`AmqpUrl`] is a fixed address.
#[derive(Clone)]
pub struct BrokerLocator(Arc<dyn Fn() -> Result<AmqpUrl, String> + Send + Sync>);

impl BrokerLocator {
    /// Creates a locator that calls `locate`, which returns the address or the reason why it is unknown.
    pub fn dynamic(locate: impl Fn() -> Result<AmqpUrl, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(locate))
    }

    pub(crate) fn url(&self) -> Result<AmqpUrl, Error> {
        (self.0)().map_err(Error::UnknownAddress)
    }
}

impl From<AmqpUrl> for BrokerLocator {
    fn from(url: AmqpUrl) -> Self {
        Self::dynamic(move || Ok(url.clone()))
    }
}

impl fmt::Debug for BrokerLocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0)() {
            Ok(url) => write!(f, "{url}"),
            Err(reason) => f.write_str(&reason),
        }
    }
}
