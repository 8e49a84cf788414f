use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::site::SiteContext;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::TicketId;

use super::Slots;
use crate::api_client::{
    Anonymous, ApiClient,
    tickets::{self, Ticket},
};

/// How often a listing is requested that somebody looks at.
const INTERVAL: Duration = Duration::from_secs(2);

/// The maximum number of subscriptions in all.
const MAX_SUBSCRIPTIONS: u32 = 1000;

/// The maximum number of subscriptions of the narrowest network of a client.
const MAX_OF_NETWORK: u32 = 20;

/// What is on sale now, for pages that update by themselves: one request at a time for each listing, however many people look
/// at it.
pub(crate) struct Feeds {
    api: Arc<ApiClient>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    /// Those of the subscriptions.
    pub(crate) slots: Arc<Slots>,
    of_listings: Mutex<HashMap<TicketId, watch::Sender<Arc<Ticket>>>>,
}

impl Feeds {
    pub(super) fn new(context: &SiteContext, api: Arc<ApiClient>) -> Arc<Self> {
        Arc::new(Self {
            api,
            shutdown: context.shutdown.clone(),
            tasks: context.tasks.clone(),
            slots: Slots::new(MAX_SUBSCRIPTIONS, MAX_OF_NETWORK),
            of_listings: Mutex::default(),
        })
    }

    /// Cancelled when the storefront stops.
    pub(crate) const fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Follows a listing, beginning with its state `now`.
    pub(crate) fn follow(self: &Arc<Self>, now: Ticket) -> watch::Receiver<Arc<Ticket>> {
        let id = now.id;
        let mut feeds = lock(&self.of_listings);
        if let Some(feed) = feeds.get(&id) {
            return feed.subscribe();
        }
        let (sender, receiver) = watch::channel(Arc::new(now));
        feeds.insert(id, sender);
        drop(feeds);
        let feeds = Arc::clone(self);
        let stopped = self.shutdown.clone();
        self.tasks.spawn(async move {
            stopped.run_until_cancelled(feeds.update(id)).await;
        });
        receiver
    }

    /// Requests a listing repeatedly until nobody follows it.
    async fn update(&self, id: TicketId) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            {
                let mut feeds = lock(&self.of_listings);
                if feeds.get(&id).is_none_or(|feed| feed.receiver_count() == 0) {
                    feeds.remove(&id);
                    return;
                }
            }
            // A service that does not respond changes nothing on the page.
            if let Ok(ticket) = tickets::get(&Anonymous(&self.api), id).await
                && let Some(feed) = lock(&self.of_listings).get(&id)
            {
                feed.send_if_modified(|known| {
                    let is_changed = known.available != ticket.available
                        || known.version != ticket.version
                        || known.status != ticket.status;
                    *known = Arc::new(ticket);
                    is_changed
                });
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
