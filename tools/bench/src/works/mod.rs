//! The works that are measured.

mod builds;
mod events;
mod expirations;
mod instructions;
mod load_curve;
mod memory;
mod orders;
mod purchases;
mod reads;
mod sales;
mod searches;
mod sign_ins;
mod size_curve;

pub use builds::measure_builds;
pub use events::measure_events;
pub use expirations::measure_expirations;
pub use instructions::measure_instructions;
pub use load_curve::measure_loads;
pub use orders::{measure_listings, measure_node_writes, measure_orders};
pub use purchases::measure_purchases;
pub use reads::{HOME, PAGE, measure_bare, measure_node_reads, measure_reads};
pub use sales::{measure_at_once, measure_mixed, measure_on_sale};
pub use searches::SEARCHES;
pub use sign_ins::measure_sign_in;
pub use size_curve::measure_sizes;
