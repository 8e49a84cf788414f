use std::time::Duration;

use backoff::Backoff;
use tokio::{sync::watch, time::Instant};

use crate::{Consul, ServiceName, consul::Answer, found::Known};

/// The delays after failed queries.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// How patiently Consul is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long Consul may wait for a change. A Consul that was replaced behind our back is noticed after that: its
    /// index is then another. Less than the minute after which something in between may cut a silent connection.
    pub(crate) wait: Duration,
    /// The least time between two questions, however often something changes.
    pub(crate) pause: Duration,
}

impl Pace {
    pub(crate) const USUAL: Self = Self {
        wait: Duration::from_secs(15),
        pause: Duration::from_millis(250),
    };
}

/// Keeps asking Consul for one service, and notes what it says.
pub(crate) struct Follower {
    consul: Consul,
    service: ServiceName,
    pace: Pace,
    known: watch::Sender<Known>,
    /// Where Consul's history of this service had got to.
    index: u64,
    /// Nobody is healthy, and we have told so.
    alone: bool,
}

impl Follower {
    pub(crate) const fn new(consul: Consul, service: ServiceName, pace: Pace, known: watch::Sender<Known>) -> Self {
        Self {
            consul,
            service,
            pace,
            known,
            index: 0,
            alone: false,
        }
    }

    /// Asks for ever.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(FIRST_RETRY, LONGEST_RETRY);
        loop {
            let began = Instant::now();
            let pause = match self.consul.ask(&self.service, self.index, self.pace.wait).await {
                Ok(answer) => {
                    self.learn(answer);
                    backoff.reset();
                    backoff.jittered(self.pace.pause).saturating_sub(began.elapsed())
                }
                Err(reason) => {
                    self.failed(reason);
                    backoff.next_delay()
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn learn(&mut self, Answer { index, instances }: Answer) {
        // An index that goes back is that of a Consul that was restored or replaced: its history begins anew. So do
        // answers without one, which would otherwise be asked for in a circle.
        self.index = if index < self.index { 0 } else { index };
        let service = &self.service;
        let nobody = instances.is_empty();
        self.known.send_if_modified(|known| {
            let back = known.failure.take().is_some();
            if back {
                tracing::info!(%service, "Consul answers again");
            }
            // Nobody healthy is seldom better than the last who was: it may only be late with its checks.
            let moved = !nobody && known.instances != instances;
            if moved {
                tracing::info!(%service, at = %joined(&instances), "found by Consul");
                known.instances = instances;
            }
            back || moved
        });
        if nobody && !self.alone {
            tracing::warn!(%service, "no instance is healthy: going on with the last that was");
        }
        self.alone = nobody;
    }

    /// What is known stays. What has happened since is asked for without waiting once Consul is back.
    fn failed(&mut self, reason: String) {
        self.index = 0;
        self.known.send_if_modified(|known| {
            let news = known.failure.as_ref() != Some(&reason);
            if news {
                tracing::warn!(service = %self.service, reason, "Consul cannot be asked: going on with what is known");
                known.failure = Some(reason);
            }
            news
        });
    }
}

fn joined(instances: &[crate::Address]) -> String {
    instances.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
