//! Metrics: check-ins, and numbers that are read from the database at each scrape.

use chassis::Samples;
use metrics::{Counter, Labelled, MetricsRegistry, counters};
use rusqlite::Connection;

use crate::{domain::ScanRefusal, store};

/// Counts check-ins by their results.
#[derive(Clone, Debug)]
pub(crate) struct CheckInCounters(Labelled<Counter, 2>);

/// How a code was checked in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// The service admits.
    Online,
    /// The door has admitted without the network.
    Offline,
}

const ADMITTED: &str = "admitted";

impl Way {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

impl CheckInCounters {
    /// Registers the counters.
    pub(crate) fn register(registry: &MetricsRegistry) -> Self {
        let results = || ScanRefusal::ALL.iter().map(|refusal| refusal.as_str());
        let all = [Way::Online, Way::Offline].into_iter().flat_map(|way| {
            let results = [ADMITTED].into_iter().chain(results());
            results.map(move |result| labels(way, result))
        });
        let check_ins = counters(all);
        registry.register(
            "ticketing_check_ins_total",
            "Codes that were checked in, by way and result",
            check_ins.clone(),
        );
        Self(check_ins)
    }

    /// Counts a code that was checked in, or refused.
    pub(crate) fn count(&self, way: Way, refusal: Option<ScanRefusal>) {
        let result = refusal.map_or(ADMITTED, ScanRefusal::as_str);
        self.0.get_or_create(&labels(way, result)).inc();
    }
}

const fn labels(way: Way, result: &'static str) -> [(&'static str, &'static str); 2] {
    [("way", way.as_str()), ("result", result)]
}

/// Reports the number of listings by state, and of transfers by status.
pub(crate) fn collect_metrics(conn: &Connection, samples: &mut Samples) -> Result<(), db::Error> {
    for (state, listings) in store::count_by_state(conn)? {
        samples.gauge(
            "ticketing_listings",
            "Listings, on sale or withdrawn",
            &[("state", &state)],
            listings,
        );
    }
    for (status, transfers) in store::count_transfers(conn)? {
        samples.gauge(
            "ticketing_transfers",
            "Transfers of tickets by status",
            &[("status", &status)],
            transfers,
        );
    }
    Ok(())
}
