//! The places left of a listing, by server-sent events (<https://html.spec.whatwg.org/#server-sent-events>).

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{StatusCode, header};
use poem::{Body, Response};
use serde_json::json;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use values::TicketId;

use super::super::parts::Places;
use crate::{
    api_client::{
        Anonymous,
        tickets::{self, Ticket},
    },
    frame::{Page, PageResult, Slot, Visit},
};

/// A connection says so often that it is open, so that the server notices when it is not.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a connection lasts; the browser then opens another one. Less than a stream of HTTP/2 may last.
const LIFETIME: Duration = Duration::from_secs(100);

/// What a subscription sends.
struct Subscription {
    page: Page,
    /// What the page of the person shows.
    shown: String,
    state: watch::Receiver<Arc<Ticket>>,
    shutdown: CancellationToken,
    ends: Instant,
    is_first: bool,
    _slot: Slot,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let id: TicketId = visit.parameter("id")?;
    let feeds = &visit.app().feeds;
    let Some(slot) = feeds.slots.take(visit.session().client()) else {
        // Of all statuses, this one makes a browser give up.
        return Ok(Response::builder().status(StatusCode::NO_CONTENT).finish());
    };
    let ticket = tickets::get(&Anonymous(&visit.app().api), id).await?;
    let subscription = Subscription {
        page: visit.page("event-title"),
        shown: visit.query("state").unwrap_or_default(),
        state: feeds.follow(ticket),
        shutdown: feeds.shutdown().clone(),
        ends: Instant::now() + LIFETIME,
        is_first: true,
        _slot: slot,
    };
    let events = stream::unfold(subscription, |mut subscription| async move {
        let event = subscription.next().await?;
        Some((Ok::<_, Infallible>(event), subscription))
    });
    Ok(Response::builder()
        .content_type("text/event-stream")
        .header(header::CACHE_CONTROL, "no-store")
        // nginx passes each event on at once.
        .header("x-accel-buffering", "no")
        .body(Body::from_bytes_stream(stream_errors(events))))
}

/// The type of errors that a body has. There are none.
fn stream_errors(
    events: impl stream::Stream<Item = Result<Bytes, Infallible>>,
) -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> {
    use futures_util::StreamExt;
    events.map(|event| event.map_err(|never| match never {}))
}

impl Subscription {
    /// Waits for the next event; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_first {
            self.is_first = false;
            return Some(self.event());
        }
        let changed = tokio::time::timeout(KEEP_ALIVE, self.state.changed());
        let changed = tokio::select! {
            changed = changed => changed,
            () = self.shutdown.cancelled() => return None,
            () = tokio::time::sleep_until(self.ends) => return None,
        };
        match changed {
            Ok(Ok(())) => Some(self.event()),
            Ok(Err(_)) => None,
            Err(_) => Some(Bytes::from_static(b":\n\n")),
        }
    }

    fn event(&mut self) -> Bytes {
        let ticket = Arc::clone(&self.state.borrow_and_update());
        let is_changed = super::shown_state(&ticket) != self.shown;
        let state = json!({"text": Places::of(&self.page, &ticket).text, "isChanged": is_changed});
        // JSON has no line breaks.
        Bytes::from(format!("retry: 5000\ndata: {state}\n\n"))
    }
}
