use std::time::Duration;

use crate::cli::Size;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often everything is measured.
    pub repetitions: u32,
    /// The time at the start of a round that is not measured.
    pub warm_up: Duration,
    /// The time of a round that is measured.
    pub round: Duration,
    /// The time without requests before the memory is measured.
    pub idle: Duration,
    /// The listings, and the orders, that a measurement begins with.
    pub rows: u64,
    /// The accounts of buyers.
    pub buyers: usize,
    /// The tickets of the on-sale; ten times as many buyers arrive.
    pub on_sale_tickets: u32,
    /// The buyers per second of the on-sale.
    pub on_sale_rate: u32,
    /// The events of the way from outbox to rows.
    pub events: u32,
    /// The orders that are pending while others expire.
    pub pending_orders: u64,
    /// The orders that expire in the same second, and in the same millisecond.
    pub due_orders: u64,
    /// The time until they are due: enough for every service to have applied their events.
    pub due_in: Duration,
    /// The tickets of the Node.js peer, of which each is ordered once.
    pub node_tickets: u64,
    /// The rows of the cost by size.
    pub sizes: &'static [u64],
    /// The rows with which the memory under load is measured: one of `sizes`.
    pub memory_rows: u64,
    /// The duration of that load.
    pub memory: Duration,
    /// The parts of the highest rate at which latencies by load are measured, in percent.
    pub loads: &'static [u32],
}

impl Plan {
    /// Returns the plan of a size.
    pub fn of(size: Size) -> Self {
        let default = Self {
            repetitions: 3,
            warm_up: Duration::from_millis(500),
            round: Duration::from_secs(3),
            idle: Duration::from_secs(5),
            rows: 10_000,
            buyers: 400,
            on_sale_tickets: 10_000,
            on_sale_rate: 5000,
            events: 20_000,
            pending_orders: 1_000_000,
            due_orders: 20_000,
            due_in: Duration::from_secs(20),
            node_tickets: 60_000,
            sizes: &[10_000, 100_000, 1_000_000],
            memory_rows: 1_000_000,
            memory: Duration::from_mins(1),
            loads: &[10, 25, 50, 75, 90],
        };
        match size {
            Size::Default => default,
            Size::Large => Self {
                sizes: &[10_000, 100_000, 1_000_000, 10_000_000],
                ..default
            },
            Size::Quick => Self {
                warm_up: Duration::from_millis(200),
                round: Duration::from_millis(500),
                idle: Duration::from_millis(500),
                rows: 1000,
                on_sale_tickets: 200,
                on_sale_rate: 1000,
                events: 2000,
                pending_orders: 10_000,
                due_orders: 500,
                due_in: Duration::from_secs(5),
                node_tickets: 12_000,
                sizes: &[100, 1000],
                memory_rows: 1000,
                memory: Duration::from_secs(1),
                loads: &[25, 75],
                ..default
            },
        }
    }
}
