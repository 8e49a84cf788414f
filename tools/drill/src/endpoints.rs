use std::collections::BTreeMap;

/// The URLs that requests are sent to.
#[derive(Clone, Debug)]
pub enum Endpoints {
    /// One URL for all services.
    FrontDoor(String),
    /// A URL for each service, by its name.
    Services(BTreeMap<String, String>),
}

impl Endpoints {
    /// Returns the URL of a service, without a trailing slash; empty if the service has none.
    pub(crate) fn url_of(&self, service: &str) -> &str {
        let url = match self {
            Self::FrontDoor(url) => url,
            Self::Services(urls) => urls.get(service).map_or("", String::as_str),
        };
        url.trim_end_matches('/')
    }
}

impl From<String> for Endpoints {
    fn from(url: String) -> Self {
        Self::FrontDoor(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_to_its_service() {
        let front_door = Endpoints::from("http://127.0.0.1:4000/".to_owned());
        assert_eq!(front_door.url_of("order"), "http://127.0.0.1:4000");
        let urls = [("order".to_owned(), "http://127.0.0.1:4003".to_owned())];
        let services = Endpoints::Services(urls.into());
        assert_eq!(services.url_of("order"), "http://127.0.0.1:4003");
        assert_eq!(services.url_of("payment"), "");
    }
}
