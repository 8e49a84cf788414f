//! The main job, told over HTTP: tickets are listed, found, ordered and paid; an order runs out of time and its ticket is
//! bought by somebody else; a declined card leaves nobody charged.

mod scene;
mod story;

use std::time::Duration;

pub use scene::Failed;
use scene::Scene;

/// Plays it to a stack at `url` (`http://127.0.0.1:4000`), and tells each step with its answer. Whatever takes its time
/// is waited for no longer than `patience`, on top of the order window that runs out.
pub async fn run(url: &str, patience: Duration, tell: impl Fn(&str) + Send + Sync) -> Result<(), Failed> {
    let scene = Scene::new(url, patience, &tell)?;
    let cast = story::cast(&scene).await?;
    story::a_ticket_is_sold(&scene, &cast).await?;
    story::an_order_runs_out_of_time(&scene, &cast).await?;
    story::a_card_is_declined(&scene, &cast).await
}
