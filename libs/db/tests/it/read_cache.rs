//! A cache of reads is exact, shares reads, and is bounded.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use db::{CacheLimits, CacheMetrics, Db, Error, ReadCache};
use futures_util::future::join_all;
use futures_util::poll;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::{Folder, write_note};

const LIMITS: CacheLimits = CacheLimits {
    bytes: 1 << 20,
    entry_bytes: 1 << 17,
    max_age: Duration::from_hours(1),
};

fn cache<V: Clone + Send + Sync + 'static>(db: &Db, cost: fn(&i64, &V) -> usize) -> ReadCache<i64, V> {
    db.read_cache("test", LIMITS, cost, &CacheMetrics::default())
}

fn newest_note(conn: &Connection) -> Result<Option<i64>, Error> {
    Ok(conn
        .query_row("SELECT coalesce(max(id), 0) FROM note", [], |row| row.get(0))
        .optional()?)
}

fn held(conn: &Connection) -> Result<Option<i64>, Error> {
    Ok(conn
        .query_row("SELECT held FROM stock", [], |row| row.get(0))
        .optional()?)
}

async fn hold(db: &Db, held: i64) {
    db.write(move |tx| -> Result<(), Error> {
        tx.execute("UPDATE stock SET held = ?1", [held])?;
        Ok(())
    })
    .await
    .unwrap();
}

/// A reader of stock that counts its reads.
#[derive(Clone)]
struct Stock {
    db: Db,
    cache: ReadCache<i64, i64>,
    reads: Arc<AtomicUsize>,
}

impl Stock {
    fn of(db: &Db) -> Self {
        let cache = cache(db, |_, _| 0);
        Self {
            db: db.clone(),
            cache,
            reads: Arc::default(),
        }
    }

    async fn get(&self) -> i64 {
        self.get_if(|_| true).await
    }

    async fn get_if(&self, is_current: impl Fn(&i64) -> bool) -> i64 {
        let reads = Arc::clone(&self.reads);
        let read = move |conn: &Connection| {
            reads.fetch_add(1, Ordering::SeqCst);
            held(conn)
        };
        self.cache.get(&0, is_current, read).await.unwrap().unwrap()
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_value_is_stored_until_a_commit_changes_the_database() {
    let folder = Folder::new();
    let stock = Stock::of(&folder.open());
    assert_eq!((stock.get().await, stock.get().await), (0, 0));
    assert_eq!(stock.reads(), 1);
    hold(&stock.db, 3).await;
    assert_eq!((stock.get().await, stock.get().await), (3, 3));
    assert_eq!(stock.reads(), 2);
    // Neither of these changes a row.
    stock.db.probe().await.unwrap();
    let refused = stock.db.write(|tx| -> Result<(), Error> {
        write_note(tx, 1)?;
        tx.execute("UPDATE stock SET held = 101", [])?;
        Ok(())
    });
    assert!(refused.await.is_err());
    let unchanged = stock.db.write(|tx| -> Result<(), Error> {
        tx.execute("DELETE FROM note WHERE id = 7", [])?;
        Ok(())
    });
    unchanged.await.unwrap();
    assert_eq!((stock.get().await, stock.reads()), (3, 2));
}

#[tokio::test]
async fn a_value_that_its_reader_takes_for_outdated_is_read_again() {
    let folder = Folder::new();
    let stock = Stock::of(&folder.open());
    let _ = stock.get().await;
    let _ = stock.get_if(|_| false).await;
    assert_eq!(stock.reads(), 2);
}

#[tokio::test]
async fn a_value_is_read_again_when_it_is_old() {
    let folder = Folder::new();
    let limits = CacheLimits {
        max_age: Duration::ZERO,
        ..LIMITS
    };
    let db = folder.open();
    let stock = Stock {
        cache: db.read_cache("test", limits, |_, _| 0, &CacheMetrics::default()),
        ..Stock::of(&db)
    };
    let _ = (stock.get().await, stock.get().await);
    assert_eq!(stock.reads(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_sees_a_state_older_than_a_write_that_was_answered_before() {
    const COMMITS: i64 = 400;
    const READERS: usize = 8;
    let folder = Folder::new();
    let db = folder.open();
    let notes = cache(&db, |_, _| 0);
    let (answered, all_reads) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (notes, answered, all_reads) = (notes.clone(), Arc::clone(&answered), Arc::clone(&all_reads));
        readers.spawn(async move {
            let (mut calls, mut newest) = (0, 0);
            while newest < COMMITS {
                let at_least = answered.load(Ordering::SeqCst);
                let all_reads = Arc::clone(&all_reads);
                let read = move |conn: &Connection| {
                    all_reads.fetch_add(1, Ordering::SeqCst);
                    newest_note(conn)
                };
                newest = notes.get(&0, |_| true, read).await.unwrap().unwrap();
                assert!(newest >= at_least, "{newest} is older than {at_least}");
                calls += 1;
                tokio::task::yield_now().await;
            }
            calls
        });
    }
    for number in 1..=COMMITS {
        db.write(move |tx| write_note(tx, number)).await.unwrap();
        answered.store(number, Ordering::SeqCst);
    }
    let calls: usize = readers.join_all().await.into_iter().sum();
    let (reads, commits) = (all_reads.load(Ordering::SeqCst), usize::try_from(COMMITS).unwrap());
    assert!(
        reads <= commits + 1,
        "{reads} reads after {commits} commits for {calls} calls"
    );
}

#[tokio::test]
async fn callers_that_miss_the_same_value_share_one_read() {
    let folder = Folder::new();
    let stock = Stock::of(&folder.open());
    let values = join_all((0..100).map(|_| stock.get())).await;
    assert_eq!(values, vec![0; 100]);
    assert_eq!(stock.reads(), 1);
    assert_eq!(stock.cache.running_reads(), 0);
}

#[tokio::test]
async fn a_caller_after_a_write_does_not_share_the_read_that_began_before_it() {
    let folder = Folder::new();
    let stock = Stock::of(&folder.open());
    let (entered, inside) = oneshot::channel();
    let (go_on, released) = mpsc::channel();
    let slow = Arc::new(Mutex::new(Some((entered, released))));
    let old = stock.cache.get(
        &0,
        |_| true,
        move |conn| {
            let value = held(conn);
            let (entered, released) = slow.lock().unwrap().take().unwrap();
            entered.send(()).unwrap();
            released.recv().unwrap();
            value
        },
    );
    let late = async {
        inside.await.unwrap();
        hold(&stock.db, 5).await;
        let late = join_all((0..10).map(|_| stock.get()));
        let release = async { go_on.send(()).unwrap() };
        // The callers are polled first: they wait for the running read.
        tokio::join!(late, release).0
    };
    let (old, late) = tokio::join!(old, late);
    assert_eq!(old.unwrap(), Some(0), "it began before the write");
    assert_eq!(late, vec![5; 10]);
    assert_eq!(stock.reads(), 1, "those who came later shared one read");
}

#[tokio::test]
async fn a_read_goes_on_when_the_caller_who_began_it_hangs_up() {
    let folder = Folder::new();
    let stock = Stock::of(&folder.open());
    let (go_on, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let blocked = move |conn: &Connection| {
        released.lock().unwrap().recv().unwrap();
        held(conn)
    };
    let mut first = Box::pin(stock.cache.get(&0, |_| true, blocked.clone()));
    let mut second = Box::pin(stock.get());
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    drop(first);
    go_on.send(()).unwrap();
    assert_eq!((second.await, stock.reads()), (0, 0));

    let mut third = Box::pin(stock.cache.get(&1, |_| true, blocked));
    assert!(poll!(&mut third).is_pending());
    assert_eq!(stock.cache.running_reads(), 1);
    drop(third);
    assert_eq!(
        stock.cache.running_reads(),
        0,
        "nothing remains of a read without callers"
    );
    go_on.send(()).unwrap();
}

#[tokio::test]
async fn neither_errors_nor_missing_values_are_stored() {
    let folder = Folder::new();
    let db = folder.open();
    let cache = cache::<i64>(&db, |_, _| 0);
    let failed = cache.get(&0, |_| true, |_| Err(Error::TimedOut)).await;
    assert!(matches!(failed, Err(Error::TimedOut)));
    assert_eq!(cache.get(&0, |_| true, |_| Ok(None)).await.unwrap(), None);
    assert_eq!(cache.get(&0, |_| true, held).await.unwrap(), Some(0));
}

/// A cache of texts.
type Texts = ReadCache<i64, Arc<str>>;

fn texts(db: &Db) -> Texts {
    cache(db, |_, text| text.len())
}

/// Returns whether the text of `key` had to be read.
async fn is_read(cache: &Texts, key: i64, bytes: usize) -> bool {
    let is_read = Arc::new(AtomicUsize::new(0));
    let read = {
        let is_read = Arc::clone(&is_read);
        move |_: &Connection| {
            is_read.fetch_add(1, Ordering::SeqCst);
            Ok(Some(Arc::from("x".repeat(bytes))))
        }
    };
    let text = cache.get(&key, |_| true, read).await.unwrap().unwrap();
    assert_eq!(text.len(), bytes);
    is_read.load(Ordering::SeqCst) > 0
}

#[tokio::test]
async fn what_is_stored_is_bounded_in_bytes() {
    let folder = Folder::new();
    let db = folder.open();
    let cache = texts(&db);
    for key in 0..500 {
        assert!(is_read(&cache, key, 10_000).await);
        assert!(cache.bytes() <= 1 << 20, "{} bytes", cache.bytes());
    }
    assert!(cache.bytes() > 1 << 19, "{} bytes: it is used", cache.bytes());
    for _ in 0..2 {
        assert!(is_read(&cache, 1000, (1 << 17) + 1).await, "too large to be stored");
    }
}

#[tokio::test]
async fn a_flood_of_other_keys_does_not_displace_what_is_asked_for_often() {
    let folder = Folder::new();
    let db = folder.open();
    let cache = texts(&db);
    let mut reads_of_popular = 0;
    for other in 1..3000 {
        if is_read(&cache, 0, 10_000).await {
            reads_of_popular += 1;
        }
        let _ = is_read(&cache, other, 10_000).await;
        // Also if each is asked for twice.
        let _ = is_read(&cache, other, 10_000).await;
    }
    assert!(reads_of_popular <= 3, "{reads_of_popular} reads");
}
