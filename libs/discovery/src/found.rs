use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

use crate::{Address, ServiceName};

/// What is known of where a service is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The healthy instances when there last were any.
    pub(crate) instances: Vec<Address>,
    /// Why Consul could not be asked, if it could not.
    pub(crate) failure: Option<String>,
}

/// Where a service is, as far as is known now. Cheap to clone; clones share what they know.
#[derive(Clone, Debug)]
pub struct Found {
    service: ServiceName,
    known: watch::Receiver<Known>,
    turn: Arc<AtomicUsize>,
}

/// Not a single healthy instance has ever been seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Consul has not yet named a healthy instance of {service}{}", because(.reason.as_deref()))]
pub struct Unknown {
    /// Who was looked for.
    pub service: ServiceName,
    /// Why Consul could not be asked, if it could not.
    pub reason: Option<String>,
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

impl Found {
    pub(crate) fn new(service: ServiceName, known: watch::Receiver<Known>) -> Self {
        Self {
            service,
            known,
            turn: Arc::default(),
        }
    }

    /// An instance. Several take turns, so that asking again after a failure asks somebody else.
    pub fn address(&self) -> Result<Address, Unknown> {
        let known = self.known.borrow();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let instance = turn
            .checked_rem(known.instances.len())
            .and_then(|number| known.instances.get(number));
        instance.cloned().ok_or_else(|| Unknown {
            service: self.service.clone(),
            reason: known.failure.clone(),
        })
    }

    /// Waits until something else is known than when this was last called. Never, once nobody follows any more.
    pub async fn changed(&mut self) {
        if self.known.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_take_turns_and_nobody_is_somebody_to_complain_about() {
        let (known, receiver) = watch::channel(Known::default());
        let found = Found::new("ticketing-auth".parse().unwrap(), receiver);
        let told = found.address().unwrap_err().to_string();
        assert_eq!(told, "Consul has not yet named a healthy instance of ticketing-auth");
        known.send_modify(|known| known.failure = Some("connection refused".to_owned()));
        assert!(
            found
                .address()
                .unwrap_err()
                .to_string()
                .ends_with("ticketing-auth: connection refused")
        );
        let instances = [1, 2]
            .map(|port| Address {
                host: "a".to_owned(),
                port,
            })
            .to_vec();
        known.send_modify(|known| known.instances = instances);
        let ports = [(); 4].map(|()| found.address().unwrap().port);
        assert_eq!(ports[..2], ports[2..]);
        assert_ne!(ports[0], ports[1]);
    }
}
