use std::net::IpAddr;

use chassis::{ConfigErrors, parsed};
use url::Url;

/// The settings of the storefront.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// The address at which people reach the pages: for links in previews and in the sitemap.
    #[arg(
        long,
        env = "TICKETING_PUBLIC_URL",
        default_value = "http://127.0.0.1:4000",
        value_name = "URL",
        value_parser = public_url
    )]
    pub public_url: Url,
    /// The address of the auth service [default: from Consul, else `http://127.0.0.1:4001`]
    #[arg(long, env = "TICKETING_AUTH_URL", value_name = "URL", value_parser = service_url)]
    pub auth_url: Option<Url>,
    /// The address of the ticket service [default: from Consul, else `http://127.0.0.1:4002`]
    #[arg(long, env = "TICKETING_TICKET_URL", value_name = "URL", value_parser = service_url)]
    pub ticket_url: Option<Url>,
    /// The address of the order service [default: from Consul, else `http://127.0.0.1:4003`]
    #[arg(long, env = "TICKETING_ORDER_URL", value_name = "URL", value_parser = service_url)]
    pub order_url: Option<Url>,
    /// The address of the payment service [default: from Consul, else `http://127.0.0.1:4005`]
    #[arg(long, env = "TICKETING_PAYMENT_URL", value_name = "URL", value_parser = service_url)]
    pub payment_url: Option<Url>,
    /// The address of the notification service [default: from Consul, else `http://127.0.0.1:4006`]
    #[arg(long, env = "TICKETING_NOTIFICATION_URL", value_name = "URL", value_parser = service_url)]
    pub notification_url: Option<Url>,
    /// The address of Stripe's script, which shows the card form; of the Stripe simulator: `http://127.0.0.1:12111/v3/`.
    #[arg(
        long,
        env = "TICKETING_STRIPE_SCRIPT_URL",
        default_value = "https://js.stripe.com/v3/",
        value_name = "URL",
        value_parser = script_url
    )]
    pub stripe_script_url: Url,
    /// The address of this machine from which services are called, if others on it must not speak for clients: the services
    /// trust it as a proxy.
    #[arg(skip)]
    pub local_address: Option<IpAddr>,
}

impl chassis::Settings for Settings {
    fn validate(&self, errors: &mut ConfigErrors) {
        let _ = errors;
    }
}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}

/// Parses the address of a service: an origin, without TLS. The network between services is that of the cluster.
fn service_url(text: &str) -> Result<Url, String> {
    origin(text, &["http"])
}

/// Parses the address of a script: `https`, or `http` as for the Stripe simulator. It must not be what a page cannot load.
fn script_url(text: &str) -> Result<Url, String> {
    let url = parsed::<Url>(text)?;
    if matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.fragment().is_none()
    {
        Ok(url)
    } else {
        Err("must be an address such as https://js.stripe.com/v3/".to_owned())
    }
}

fn public_url(text: &str) -> Result<Url, String> {
    origin(text, &["http", "https"])
}

fn origin(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = parsed::<Url>(text)?;
    let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
    if schemes.contains(&url.scheme()) && url.has_host() && !has_more {
        Ok(url)
    } else {
        Err(format!(
            "must be {} followed by host and port only",
            schemes.join(" or ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin() {
        let parse = |flag: &str| chassis::parse_settings::<Settings>(&[flag]).map_err(|errors| errors.to_string());
        for good in [
            "--public-url=https://tickets.example",
            "--auth-url=http://10.0.0.7:4001/",
        ] {
            parse(good).unwrap();
        }
        for bad in [
            "--public-url=tickets.example",
            "--public-url=https://tickets.example/shop",
            "--public-url=https://tickets.example/?a=b",
            "--public-url=ftp://tickets.example",
            "--public-url=https://user@tickets.example",
            "--auth-url=https://10.0.0.7:4001",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
