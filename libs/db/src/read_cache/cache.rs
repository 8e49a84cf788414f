use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use rusqlite::Connection;

use super::metrics::CacheMetrics;
use super::shared_reads::{GenerationRead, Joined, Outcome, SharedReads};
use crate::Error;
use crate::generation::Generation;
use crate::reader::Readers;

/// The number of independently locked parts of a cache. A value takes up one part at most.
const SHARDS: usize = 8;

/// The bytes that an entry costs besides its key and value.
const ENTRY_BYTES: usize = 128;

/// What a cache may store.
#[derive(Clone, Copy, Debug)]
pub struct CacheLimits {
    /// The maximum size of all keys and values, in bytes.
    pub bytes: usize,
    /// The maximum size of a value with its key, in bytes. A larger one is not stored. At most an eighth of `bytes`.
    pub entry_bytes: usize,
    /// The time after which a value is read again although nothing has changed: another process might have written.
    pub max_age: Duration,
}

/// Values that were read from the database by key, stored until a commit changes it.
///
/// It is exact: [`get`](Self::get) never returns a value that was read before a write of this process, if the write had
/// returned before the call. A stored value is compared with the number of commits that have changed rows; nothing has to
/// be invalidated. Callers that miss the same key share one read that begins after their calls.
///
/// Neither errors nor missing values are stored. Values that are asked for once do not displace those that are asked for
/// often ([S3-FIFO](https://s3fifo.com) and Clock-PRO are alike in this; the cache is `quick_cache`).
pub struct ReadCache<K, V> {
    inner: Arc<Inner<K, V>>,
}

struct Inner<K, V> {
    readers: Arc<Readers>,
    generation: Generation,
    limits: CacheLimits,
    cost: fn(&K, &V) -> usize,
    stored: Cache<K, Stored<V>, Cost<K, V>>,
    reads: SharedReads<K, V>,
    /// Values that were stored, those of reads, and those of the reads of other callers.
    hits: Counter,
    reads_run: Counter,
    reads_shared: Counter,
    size: Gauge,
}

/// A value, with the generation that it shows at least.
#[derive(Clone)]
struct Stored<V> {
    value: V,
    generation: u64,
    read_at: Instant,
}

/// The weight of entries.
#[derive(Clone)]
struct Cost<K, V>(fn(&K, &V) -> usize);

impl<K, V> Weighter<K, Stored<V>> for Cost<K, V> {
    fn weight(&self, key: &K, stored: &Stored<V>) -> u64 {
        u64::try_from((self.0)(key, &stored.value).saturating_add(ENTRY_BYTES)).unwrap_or(u64::MAX)
    }
}

impl<K, V> Clone for ReadCache<K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K, V> fmt::Debug for ReadCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a cache of reads with {:?}", self.inner.limits)
    }
}

impl<K, V> ReadCache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(
        readers: Arc<Readers>,
        generation: Generation,
        limits: CacheLimits,
        cost: fn(&K, &V) -> usize,
        name: &'static str,
        metrics: &CacheMetrics,
    ) -> Self {
        let capacity = u64::try_from(limits.bytes).unwrap_or(u64::MAX);
        let items = (limits.bytes / limits.entry_bytes.max(1)).max(32 * SHARDS);
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(items)
            .weight_capacity(capacity)
            .build();
        let weigher = Cost(cost);
        let stored = match options {
            Ok(options) => Cache::with_options(
                options,
                weigher,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // Only without the sizes that are set above.
            Err(_) => Cache::with_weighter(items, capacity, weigher),
        };
        Self {
            inner: Arc::new(Inner {
                readers,
                generation,
                limits,
                cost,
                stored,
                reads: SharedReads::default(),
                hits: metrics.lookups(name, "stored"),
                reads_run: metrics.lookups(name, "read"),
                reads_shared: metrics.lookups(name, "shared"),
                size: metrics.size(name),
            }),
        }
    }

    /// Returns the value of `key`: the stored one, or that of a read as [`Db::read`](crate::Db::read) runs it.
    ///
    /// A stored value, or that of another caller's read, is returned only if `is_current` holds for it: for what depends on
    /// more than the database, such as the time.
    pub async fn get<F>(&self, key: &K, is_current: impl Fn(&V) -> bool, read: F) -> Result<Option<V>, Error>
    where
        F: FnOnce(&Connection) -> Result<Option<V>, Error> + Clone + Send + 'static,
    {
        let inner = &self.inner;
        let generation = inner.generation.current();
        if let Some(value) = inner.stored(key, generation, &is_current) {
            inner.hits.inc();
            return Ok(Some(value));
        }
        loop {
            let query = read.clone();
            let joined = inner.reads.join(
                key,
                generation,
                || inner.stored(key, generation, &is_current),
                |begins| Arc::clone(inner).read(key.clone(), begins, query),
            );
            let shared = match joined {
                Joined::Stored(value) => {
                    inner.hits.inc();
                    return Ok(Some(value));
                }
                Joined::Started(read) => return read.await,
                Joined::Shared(read) => read.await,
            };
            if !matches!(&shared, Ok(Some(value)) if !is_current(value)) {
                inner.reads_shared.inc();
                return shared;
            }
        }
    }

    /// Returns the size of all entries.
    pub fn bytes(&self) -> u64 {
        self.inner.stored.weight()
    }

    /// Returns the number of keys that are read at the moment.
    pub fn running_reads(&self) -> usize {
        self.inner.reads.len()
    }
}

impl<K, V> Inner<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn stored(&self, key: &K, generation: u64, is_current: impl Fn(&V) -> bool) -> Option<V> {
        let stored = self.stored.get(key)?;
        let is_exact = stored.generation >= generation && stored.read_at.elapsed() < self.limits.max_age;
        (is_exact && is_current(&stored.value)).then_some(stored.value)
    }

    async fn read<F>(self: Arc<Self>, key: K, begins: GenerationRead, query: F) -> Outcome<V>
    where
        F: FnOnce(&Connection) -> Result<Option<V>, Error> + Send + 'static,
    {
        // Before the read transaction begins: a commit in between is seen, but not counted.
        let (generation, read_at) = (self.generation.current(), Instant::now());
        begins.begin(generation);
        self.reads_run.inc();
        let value = self.readers.read(query).await?;
        if let Some(value) = &value
            && (self.cost)(&key, value) <= self.limits.entry_bytes
        {
            let value = value.clone();
            let stored = Stored {
                value,
                generation,
                read_at,
            };
            self.stored.insert(key, stored);
            self.size.set(i64::try_from(self.stored.weight()).unwrap_or(i64::MAX));
        }
        Ok(value)
    }
}
