use std::future::{Future, poll_fn};
use std::task::Poll;

use futures_util::future::maybe_done;

/// Runs all at once, but starts them one after the other: what a future hands over when it is first polled, be it a
/// command or a message, is handed over in the order of `futures`.
pub(crate) async fn all_in_order<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| Box::pin(maybe_done(future))).collect();
    for future in &mut running {
        poll_fn(|context| Poll::Ready(future.as_mut().poll(context)))
            .await
            .is_ready();
    }
    let mut outputs = Vec::with_capacity(running.len());
    for mut future in running {
        future.as_mut().await;
        outputs.extend(future.as_mut().take_output());
    }
    outputs
}
