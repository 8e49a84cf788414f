use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chassis::Running;
use tokio::runtime::Runtime;

use crate::{environment::Environment, script::Service};

/// The timeout of the tasks of a crashed service.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Four services that can crash one by one, and their environment.
pub(crate) struct Marketplace {
    pub(crate) env: Arc<Environment>,
    processes: BTreeMap<Service, Process>,
}

/// A service with a runtime of its own, which can be shut down at any moment as a process can.
struct Process {
    runtime: Runtime,
    running: Running,
}

impl Marketplace {
    pub(crate) async fn start() -> Self {
        let mut marketplace = Self {
            env: Environment::start().await.into(),
            processes: BTreeMap::new(),
        };
        for service in Service::ALL {
            marketplace.start_process(service).await;
        }
        for process in marketplace.processes.values_mut() {
            let connected = process
                .running
                .broker
                .wait_for(|state| *state == bus::ConnectionState::Connected);
            drop(connected.await.unwrap());
        }
        marketplace
    }

    /// Starts a service with the database that it had before.
    async fn start_process(&mut self, service: Service) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let env = self.env.clone();
        let starting = runtime.spawn(async move { env.start_service(service).await });
        let running = starting.await.unwrap();
        self.env.proxies[&service].forward_to(running.addr);
        self.processes.insert(service, Process { runtime, running });
    }

    /// Ends a service at once, in the middle of its work, and starts it again.
    pub(crate) async fn crash(&mut self, service: Service) {
        self.env.proxies[&service].disconnect();
        self.processes.remove(&service).unwrap().crash().await;
        self.start_process(service).await;
    }

    pub(crate) async fn stop(mut self) {
        for (_, process) in std::mem::take(&mut self.processes) {
            process.crash().await;
        }
        self.env.stripe.close().await;
    }
}

impl Process {
    async fn crash(self) {
        let Self { runtime, running } = self;
        let ended = tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
            drop(running);
        });
        ended.await.unwrap();
    }
}
