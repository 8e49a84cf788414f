//! Faults, and what they hit.

use std::{fmt, time::Duration};

/// A fault. It ends by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// SIGKILL. The service is started again after `down`.
    KillService { service: &'static str, down: Duration },
    /// SIGSTOP, and SIGCONT after `lasts`.
    PauseService { service: &'static str, lasts: Duration },
    /// SIGKILL. The broker is started again after `down`.
    KillBroker { down: Duration },
    /// SIGSTOP, and SIGCONT after `lasts`.
    PauseBroker { lasts: Duration },
    /// The connections of a link are disturbed.
    Disturb {
        link: Link,
        disturbance: Disturbance,
        lasts: Duration,
    },
    /// The disk of all databases has no free space.
    FillDisk { lasts: Duration },
    /// All timers that wait in the broker are deleted.
    PurgeTimers,
}

/// Connections that pass through a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    /// From clients to a service; Stripe's webhooks are clients of payment, and all services are clients of auth.
    Clients(&'static str),
    /// From a service to the broker.
    Broker(&'static str),
    /// From payment to Stripe.
    Stripe,
}

/// What happens to the connections of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Disturbance {
    /// They break, and new ones are closed at once.
    Cut,
    /// They stay open, and nothing is passed on.
    Stall,
    /// Everything is passed on after this delay.
    Slow(Duration),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillService { service, down } => write!(f, "kill {service}, down for {down:?}"),
            Self::PauseService { service, lasts } => write!(f, "pause {service} for {lasts:?}"),
            Self::KillBroker { down } => write!(f, "kill the broker, down for {down:?}"),
            Self::PauseBroker { lasts } => write!(f, "pause the broker for {lasts:?}"),
            Self::Disturb {
                link,
                disturbance,
                lasts,
            } => write!(f, "{disturbance} {link} for {lasts:?}"),
            Self::FillDisk { lasts } => write!(f, "fill the disk for {lasts:?}"),
            Self::PurgeTimers => f.write_str("purge all timers"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clients(service) => write!(f, "clients to {service}"),
            Self::Broker(service) => write!(f, "{service} to the broker"),
            Self::Stripe => f.write_str("payment to Stripe"),
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("cut"),
            Self::Stall => f.write_str("stall"),
            Self::Slow(delay) => write!(f, "slow by {delay:?}"),
        }
    }
}
