use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use bus::AmqpUrl;
use values::Clock;

/// Settings of a stack.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// The address that the front door and the services listen on.
    pub bind: IpAddr,
    /// The ports.
    pub ports: Ports,
    /// The broker.
    pub broker: AmqpUrl,
    /// Where payments go.
    pub stripe: Stripe,
    /// The auth service's own settings.
    pub auth: auth::Settings,
    /// The order service's own settings.
    pub order: order::Settings,
    /// The expiration service's own settings.
    pub expiration: expiration::Settings,
    /// The notification service's own settings. Keys and the address of the pages are those of the stack.
    pub notification: notification::Settings,
    /// The clock of all services.
    pub clock: Clock,
}

/// The ports to listen on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ports {
    /// The front door on this port, the services on the next ones, the mails on the ninth after it, the Stripe simulator on the
    /// tenth.
    From(u16),
    /// Free ports, chosen by the system.
    Free,
}

/// Where payments go.
#[derive(Clone, Debug)]
pub enum Stripe {
    /// To the Stripe simulator in this process, with the platform's share and the limits on cards.
    Simulator(payment::BasisPoints, payment::CardLimits),
    /// To Stripe, or another server with its API.
    At(payment::Settings),
}

/// The simulator, without a platform fee and without limits on cards.
impl Default for Stripe {
    fn default() -> Self {
        Self::Simulator(payment::BasisPoints::default(), payment::CardLimits::UNLIMITED)
    }
}

impl Settings {
    /// Returns the default settings, with free ports on this machine: for tests.
    pub fn with_free_ports(data: PathBuf, broker: AmqpUrl) -> Self {
        Self {
            data,
            bind: [127, 0, 0, 1].into(),
            ports: Ports::Free,
            broker,
            stripe: Stripe::default(),
            auth: auth::Settings {
                cookie_secure: false,
                sign_up_reveals_addresses: true,
                ..auth::Settings::default()
            },
            order: order::Settings::default(),
            expiration: expiration::Settings::default(),
            notification: notification::Settings::default(),
            clock: Clock::system(),
        }
    }

    pub(crate) fn front_door(&self) -> SocketAddr {
        self.at(self.bind, 0)
    }

    /// Returns a service's address. Its default port gives the offset: 4001 is the first after the front door.
    pub(crate) fn service(&self, usual_port: u16) -> SocketAddr {
        self.at(self.bind, usual_port.saturating_sub(4000))
    }

    /// Returns the Stripe simulator's address, always on this machine: its keys are public.
    pub(crate) fn stripe_simulator(&self) -> SocketAddr {
        self.at(IpAddr::from([127, 0, 0, 1]), 10)
    }

    /// Returns the address of the pages with mails, always on this machine: links in mails are secrets.
    pub(crate) fn mail_pages(&self) -> SocketAddr {
        self.at(IpAddr::from([127, 0, 0, 1]), 9)
    }

    fn at(&self, ip: IpAddr, offset: u16) -> SocketAddr {
        let port = match self.ports {
            Ports::From(first) => first.saturating_add(offset),
            Ports::Free => 0,
        };
        SocketAddr::new(ip, port)
    }
}
