use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use bus::AmqpUrl;
use values::Clock;

/// What a stack is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder that keeps everything from one run to the next.
    pub data: PathBuf,
    /// The address that the front door and the services listen on.
    pub bind: IpAddr,
    /// The ports.
    pub ports: Ports,
    /// The broker.
    pub broker: AmqpUrl,
    /// Who takes the cards.
    pub stripe: Stripe,
    /// The auth service's own settings.
    pub auth: auth::Settings,
    /// The order service's own settings.
    pub order: order::Settings,
    /// The expiration service's own settings.
    pub expiration: expiration::Settings,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Which ports are listened on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ports {
    /// The front door on this one, the services on the five after it, the double ten after it.
    From(u16),
    /// Whichever are free.
    Free,
}

/// Who takes the cards.
#[derive(Clone, Debug)]
pub enum Stripe {
    /// The double, beside the services; the platform gets such a share of what is taken.
    Double(payment::BasisPoints),
    /// Stripe, or whatever speaks like it.
    At(payment::Settings),
}

/// The double, and a platform that works for nothing.
impl Default for Stripe {
    fn default() -> Self {
        Self::Double(payment::BasisPoints::default())
    }
}

impl Settings {
    pub(crate) fn front_door(&self) -> SocketAddr {
        self.at(self.bind, 0)
    }

    /// A service's own default port says which of the five it is: 4001 the first, 4005 the last.
    pub(crate) fn service(&self, usual_port: u16) -> SocketAddr {
        self.at(self.bind, usual_port.saturating_sub(4000))
    }

    /// Only for this machine: its key is known to everybody.
    pub(crate) fn double(&self) -> SocketAddr {
        self.at(IpAddr::from([127, 0, 0, 1]), 10)
    }

    fn at(&self, ip: IpAddr, offset: u16) -> SocketAddr {
        let port = match self.ports {
            Ports::From(first) => first.saturating_add(offset),
            Ports::Free => 0,
        };
        SocketAddr::new(ip, port)
    }
}
