use std::fmt;

use chassis::site::SiteContext;
use discovery::{Resolver, ServiceName};
use url::Url;

use crate::Settings;

/// A service that the storefront calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Service {
    Auth,
    Ticket,
    Order,
    Payment,
    Notification,
}

impl Service {
    /// Every service with a user's data.
    pub(crate) const ALL: [Self; 5] = [Self::Auth, Self::Ticket, Self::Order, Self::Payment, Self::Notification];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Ticket => "ticket",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Notification => "notification",
        }
    }

    /// The port that it listens on by default.
    const fn port(self) -> u16 {
        match self {
            Self::Auth => 4001,
            Self::Ticket => 4002,
            Self::Order => 4003,
            Self::Payment => 4005,
            Self::Notification => 4006,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The addresses of the services.
pub(super) struct Addresses {
    auth: Address,
    ticket: Address,
    order: Address,
    payment: Address,
    notification: Address,
}

enum Address {
    /// An origin, without a slash at its end.
    Fixed(String),
    Consul(Resolver),
}

impl Addresses {
    /// Returns the configured addresses; those that are not configured come from Consul, or are the default ones.
    pub(super) fn new(context: &SiteContext, settings: &Settings) -> Self {
        let address = |service: Service, configured: &Option<Url>| address(context, service, configured.as_ref());
        Self {
            auth: address(Service::Auth, &settings.auth_url),
            ticket: address(Service::Ticket, &settings.ticket_url),
            order: address(Service::Order, &settings.order_url),
            payment: address(Service::Payment, &settings.payment_url),
            notification: address(Service::Notification, &settings.notification_url),
        }
    }

    /// Returns the origin of a service, or why it is not known.
    pub(super) fn origin(&self, service: Service) -> Result<String, String> {
        let address = match service {
            Service::Auth => &self.auth,
            Service::Ticket => &self.ticket,
            Service::Order => &self.order,
            Service::Payment => &self.payment,
            Service::Notification => &self.notification,
        };
        match address {
            Address::Fixed(origin) => Ok(origin.clone()),
            Address::Consul(resolver) => match resolver.address() {
                Ok(address) => Ok(format!("http://{address}")),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

fn address(context: &SiteContext, service: Service, configured: Option<&Url>) -> Address {
    let name = format!("ticketing-{service}").parse::<ServiceName>();
    match (configured, &context.consul, name) {
        (Some(url), _, _) => Address::Fixed(url.as_str().trim_end_matches('/').to_owned()),
        (None, Some(consul), Ok(name)) => Address::Consul(consul.watch(name, context.shutdown.clone(), &context.tasks)),
        _ => Address::Fixed(format!("http://127.0.0.1:{}", service.port())),
    }
}
