use std::future::{Future, poll_fn};
use std::task::Poll;

use futures_util::future::maybe_done;
use tokio::task::unconstrained;

/// Runs all at once, but starts them one after the other: what a future hands over when it is first polled, be it a
/// command or a message, is handed over in the order of `futures`.
pub(crate) async fn all_in_order<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    // Unconstrained: tokio lets a task do only so much before it answers "pending" to everything, and a future that is
    // put off when it is first polled would be overtaken.
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
    async fn none_overtakes_another_however_many_they_are() {
        let (hand_over, mut taken) = tokio::sync::mpsc::channel(1000);
        let sending = (0..1000).map(|number| {
            let hand_over = hand_over.clone();
            async move {
                hand_over.send(number).await.unwrap();
                tokio::task::yield_now().await;
                number
            }
        });
        let outputs = all_in_order(sending).await;
        let mut received = Vec::new();
        taken.recv_many(&mut received, 1000).await;
        assert_eq!(received, (0..1000).collect::<Vec<_>>());
        assert_eq!(outputs, received);
    }
}
