//! What is put under load: the marketplace, the Node.js peer, a bare server.

mod account;
mod bare_server;
mod market;
mod node_peer;
mod replicas;
mod stack_process;

pub use account::{Account, measure_sign_ins, sign_in, sign_up};
pub use bare_server::{BareServer, serve};
pub use market::{Market, text};
pub use node_peer::NodePeer;
pub use replicas::{ReplicaCounts, count, open, wait_until_drained};
pub use stack_process::{StackProcess, delete_queues, program_beside};
