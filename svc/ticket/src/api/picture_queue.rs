//! Converts uploaded pictures, one at a time.

use std::sync::Arc;

use chassis::{ThreadError, run_at_low_priority};
use pictures::{Format, InvalidPicture, Picture};
use tokio::sync::Semaphore;
use values::UserId;

use super::places::Places;

/// The number of sellers who may wait at the same time.
const MAX_WAITING: usize = 8;

/// The number of pictures of one seller that may wait.
const MAX_PER_SELLER: usize = 1;

/// Converts pictures on one thread: a conversion uses a processor and some hundred megabytes.
#[derive(Clone, Debug)]
pub(crate) struct PictureQueue {
    thread: Arc<Semaphore>,
    /// Of the pictures that are converted or wait for it.
    places: Places,
}

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
            places: Places::new(MAX_WAITING, MAX_PER_SELLER),
        }
    }

    /// Converts a file that is announced as this format. A caller that is cancelled while it waits leaves the queue.
    pub(crate) async fn convert(
        &self,
        seller: UserId,
        file: impl AsRef<[u8]> + Send + 'static,
        format: Format,
    ) -> Result<Picture, NotConverted> {
        let place = self.places.take(seller).map_err(|_| NotConverted::Busy)?;
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
        let places = std::iter::repeat_with(|| queue.places.take(UserId::new(NOW)))
            .take(MAX_WAITING - 1)
            .collect::<Vec<_>>();
        assert_eq!(convert(seller).await, invalid, "the eighth");
        let own = queue.places.take(seller);
        assert_eq!(convert(seller).await, Err(NotConverted::Busy));
        assert_eq!(convert(UserId::new(NOW)).await, Err(NotConverted::Busy));
        drop((own, places));
        assert_eq!(convert(seller).await, invalid);
    }
}
