//! Converts uploaded pictures, one at a time.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chassis::{ThreadError, run_at_low_priority};
use pictures::{Format, InvalidPicture, Picture};
use tokio::sync::Semaphore;
use values::UserId;

/// The number of sellers who may wait at the same time.
const MAX_WAITING: usize = 8;

/// Converts pictures on one thread: a conversion uses a processor and some hundred megabytes.
#[derive(Clone, Debug)]
pub(crate) struct PictureQueue {
    thread: Arc<Semaphore>,
    waiting: Waiting,
}

/// The sellers whose pictures are converted or wait for it.
type Waiting = Arc<Mutex<HashSet<UserId>>>;

/// Why a picture was not converted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotConverted {
    /// Too many sellers wait, or a picture of this one.
    Busy,
    Invalid(InvalidPicture),
}

impl PictureQueue {
    pub(crate) fn new() -> Self {
        Self {
            thread: Arc::new(Semaphore::new(1)),
            waiting: Waiting::default(),
        }
    }

    /// Converts a file that is announced as this format. A caller that is cancelled while it waits leaves the queue.
    pub(crate) async fn convert(
        &self,
        seller: UserId,
        file: impl AsRef<[u8]> + Send + 'static,
        format: Format,
    ) -> Result<Picture, NotConverted> {
        let place = Place::take(&self.waiting, seller).ok_or(NotConverted::Busy)?;
        let permit = Arc::clone(&self.thread).acquire_owned().await;
        let permit = permit.map_err(|_| NotConverted::Busy)?;
        let converted = run_at_low_priority(move || {
            let _held = (permit, place);
            pictures::convert(file.as_ref(), format)
        });
        match converted.await {
            Ok(converted) => converted.map_err(NotConverted::Invalid),
            Err(ThreadError::NotStarted(error)) => {
                tracing::error!(%error, "picture not converted");
                Err(NotConverted::Busy)
            }
            Err(error @ ThreadError::Panicked(_)) => {
                tracing::error!(%error, "conversion of a picture failed");
                Err(NotConverted::Invalid(InvalidPicture::Damaged))
            }
        }
    }
}

/// The place of a seller in the queue, until it is dropped.
struct Place {
    waiting: Waiting,
    seller: UserId,
}

impl Place {
    fn take(waiting: &Waiting, seller: UserId) -> Option<Self> {
        let mut sellers = lock(waiting);
        if sellers.len() >= MAX_WAITING || !sellers.insert(seller) {
            return None;
        }
        Some(Self {
            waiting: Arc::clone(waiting),
            seller,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.seller);
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashSet<UserId>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    #[tokio::test]
    async fn one_picture_of_a_seller_and_eight_in_all_may_wait() {
        let queue = PictureQueue::new();
        let invalid = Err(NotConverted::Invalid(InvalidPicture::OtherFormat("PNG")));
        let convert = |seller| queue.convert(seller, [0; 4], Format::Png);
        let seller = UserId::new(NOW);
        assert_eq!(convert(seller).await, invalid);
        assert_eq!(convert(seller).await, invalid, "the place is free again");
        let places = std::iter::repeat_with(|| Place::take(&queue.waiting, UserId::new(NOW)))
            .take(MAX_WAITING - 1)
            .collect::<Vec<_>>();
        assert_eq!(convert(seller).await, invalid, "the eighth");
        let own = Place::take(&queue.waiting, seller);
        assert_eq!(convert(seller).await, Err(NotConverted::Busy));
        assert_eq!(convert(UserId::new(NOW)).await, Err(NotConverted::Busy));
        drop((own, places));
        assert_eq!(convert(seller).await, invalid);
    }
}
