use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

use crate::{Address, ServiceName};

/// The result of the queries for one service so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// The healthy instances of the last answer that had any.
    pub(crate) instances: Vec<Address>,
    /// The error of the last query, if it failed.
    pub(crate) failure: Option<String>,
}

/// The latest known addresses of a service. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub struct Resolver {
    service: ServiceName,
    resolution: watch::Receiver<Resolution>,
    next_instance: Arc<AtomicUsize>,
}

/// Consul has not reported any healthy instance of the service since the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Consul has not yet named a healthy instance of {service}{}", because(.reason.as_deref()))]
pub struct NoHealthyInstance {
    /// The service that was queried.
    pub service: ServiceName,
    /// The error of the last query, if it failed.
    pub reason: Option<String>,
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

impl Resolver {
    pub(crate) fn new(service: ServiceName, resolution: watch::Receiver<Resolution>) -> Self {
        Self {
            service,
            resolution,
            next_instance: Arc::default(),
        }
    }

    /// Returns an instance, round robin: a retry after a failure gets another one.
    pub fn address(&self) -> Result<Address, NoHealthyInstance> {
        let resolution = self.resolution.borrow();
        let next = self.next_instance.fetch_add(1, Ordering::Relaxed);
        let instance = next
            .checked_rem(resolution.instances.len())
            .and_then(|index| resolution.instances.get(index));
        instance.cloned().ok_or_else(|| NoHealthyInstance {
            service: self.service.clone(),
            reason: resolution.failure.clone(),
        })
    }

    /// Waits until the resolution changes. Never returns once the watch has ended.
    pub async fn changed(&mut self) {
        if self.resolution.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_alternate_and_an_unresolved_service_is_an_error_with_its_reason() {
        let (resolution, receiver) = watch::channel(Resolution::default());
        let resolver = Resolver::new("ticketing-auth".parse().unwrap(), receiver);
        let error = resolver.address().unwrap_err().to_string();
        assert_eq!(error, "Consul has not yet named a healthy instance of ticketing-auth");
        resolution.send_modify(|resolution| resolution.failure = Some("connection refused".to_owned()));
        assert!(
            resolver
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
        resolution.send_modify(|resolution| resolution.instances = instances);
        let ports = [(); 4].map(|()| resolver.address().unwrap().port);
        assert_eq!(ports[..2], ports[2..]);
        assert_ne!(ports[0], ports[1]);
    }
}
