use std::future::{Future, poll_fn};
use std::task::Poll;

use futures_util::future::maybe_done;
use tokio::task::unconstrained;

/// Runs all futures concurrently and returns their outputs, having polled them for the first time in their order.
///
/// A future that sends a command or a message when it is first polled sends it in that order.
pub(crate) async fn join_in_order<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    // Unconstrained: when a task has used up its cooperative budget, tokio's resources return `Pending`, and a future that
    // is delayed in its first poll would be overtaken.
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| Box::pin(maybe_done(unconstrained(future))))
        .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_future_overtakes_another() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1000);
        let sending = (0..1000).map(|number| {
            let sender = sender.clone();
            async move {
                sender.send(number).await.unwrap();
                tokio::task::yield_now().await;
                number
            }
        });
        let outputs = join_in_order(sending).await;
        let mut numbers = Vec::new();
        receiver.recv_many(&mut numbers, 1000).await;
        assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
        assert_eq!(outputs, numbers);
    }
}
