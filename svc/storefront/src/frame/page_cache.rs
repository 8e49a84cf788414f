use std::sync::Arc;

use bytes::Bytes;
use quick_cache::sync::Cache;
use values::Timestamp;

use super::Failure;

/// How many pages are kept: some MiB.
const CAPACITY: usize = 256;

/// The milliseconds for which a page is kept.
const LIFETIME_MILLIS: i64 = 1000;

/// Rendered pages that everybody sees alike, for up to a second. Visits of one page at the same time render it once.
pub(crate) struct PageCache(Cache<Key, Arc<CachedPage>>);

/// A period of the clock, and what the page depends on. A page of an earlier period is not found, and is soon replaced.
type Key = (i64, String);

/// A rendered page.
#[derive(Debug)]
pub(crate) struct CachedPage {
    pub(crate) status: http::StatusCode,
    pub(crate) html: Bytes,
}

impl PageCache {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// Returns the page for `key`, or renders it. A failure is not kept.
    pub(crate) async fn get_or_render(
        &self,
        key: String,
        now: Timestamp,
        render: impl Future<Output = Result<CachedPage, Failure>>,
    ) -> Result<Arc<CachedPage>, Failure> {
        let key = (now.millis().div_euclid(LIFETIME_MILLIS), key);
        let render = async { render.await.map(Arc::new) };
        self.0.get_or_insert_async(&key, render).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_page_is_rendered_once_in_a_second_and_a_failure_is_not_kept() {
        let (cache, rendered) = (PageCache::new(), AtomicU32::new(0));
        let get = |millis: i64, fails: bool| {
            let rendered = &rendered;
            let render = async move {
                rendered.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if fails {
                    return Err(Failure::Unavailable);
                }
                Ok(CachedPage {
                    status: http::StatusCode::OK,
                    html: Bytes::from_static(b"page"),
                })
            };
            cache.get_or_render("home".to_owned(), Timestamp::from_millis(millis), render)
        };
        assert!(get(1000, true).await.is_err());
        let (one, other) = tokio::join!(get(1000, false), get(1999, false));
        assert_eq!((one.unwrap().html.len(), other.unwrap().html.len()), (4, 4));
        assert_eq!(rendered.load(Ordering::Relaxed), 2);
        get(2000, false).await.unwrap();
        assert_eq!(rendered.load(Ordering::Relaxed), 3);
    }
}
