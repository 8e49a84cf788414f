//! Comparing sums per key of any number of rows, in one pass over each table and with little memory.
//!
//! The pass adds a fingerprint of each row to one of many buckets, chosen by the hash of its key. Fingerprints are linear in the
//! numbers: those of rows whose numbers sum to zero cancel out, in whatever order they are read. A bucket that is not zero has a
//! key that violates the invariant, or one that was written during the pass. A second pass computes the sums of the keys in those
//! buckets, and a short read of its own decides about each key whose sums are not zero.
//!
//! A violation is missed if a write during the pass compensates it for the same key: the next check finds it.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use rusqlite::params_from_iter;

use super::findings::Violations;
use super::invariant::{Invariant, Scope, Sums};
use super::short_reads::{ShortReads, TableRow};

/// The number of keys whose sums are computed.
const MAX_KEYS: usize = 300_000;

/// The number of buckets, as a power of two: some per hundred rows, and 8 MiB at most.
const MIN_BUCKET_BITS: u32 = 10;
const MAX_BUCKET_BITS: u32 = 20;

/// The result of comparing the sums of one invariant.
pub(super) struct Compared {
    pub(super) invariant: Invariant,
    pub(super) violations: Violations,
    /// Whether every key was verified.
    pub(super) is_complete: bool,
}

/// Compares the sums of all invariants that have some, in a database of about so many `rows`.
pub(super) fn compare(reads: &ShortReads<'_>, invariants: &[Invariant], rows: u64) -> rusqlite::Result<Vec<Compared>> {
    let hash = RandomState::new();
    let bits = rows.max(1).ilog2().clamp(MIN_BUCKET_BITS, MAX_BUCKET_BITS);
    let sums = invariants.iter().filter_map(|invariant| match invariant.scope {
        Scope::Key(sums) => Some((*invariant, sums)),
        _ => None,
    });
    let mut comparisons: Vec<_> = sums
        .map(|(invariant, sums)| Comparison::new(invariant, sums, bits))
        .collect();
    for table in tables(&comparisons) {
        reads.begin(&format!("sums of {table}"));
        scan(reads, &hash, table, &mut comparisons, Comparison::add_fingerprint)?;
        reads.end();
    }
    comparisons.iter_mut().for_each(Comparison::find_suspects);
    let (mut suspected, settled): (Vec<_>, Vec<_>) = comparisons
        .into_iter()
        .partition(|comparison| !comparison.suspects.is_empty());
    for table in tables(&suspected) {
        reads.begin(&format!("sums of {table}, of keys that differ"));
        scan(reads, &hash, table, &mut suspected, Comparison::add_sums)?;
        reads.end();
    }
    let mut compared = Vec::new();
    for comparison in suspected.into_iter().chain(settled) {
        reads.begin(comparison.invariant.name);
        compared.push(comparison.decide(reads)?);
        reads.end();
    }
    Ok(compared)
}

/// Returns the tables of the parts, each once.
fn tables(comparisons: &[Comparison]) -> BTreeSet<&'static str> {
    let parts = comparisons.iter().flat_map(|comparison| comparison.sums.parts);
    parts.map(|part| part.table).collect()
}

/// Reads a table once, and adds each of its rows to each comparison.
fn scan(
    reads: &ShortReads<'_>,
    hash: &RandomState,
    table: &str,
    comparisons: &mut [Comparison],
    add: fn(&mut Comparison, &Contribution<'_>),
) -> rusqlite::Result<()> {
    let mut columns = Vec::new();
    let mut targets = Vec::new();
    for (index, comparison) in comparisons.iter().enumerate() {
        for part in comparison.sums.parts.iter().filter(|part| part.table == table) {
            targets.push(Target {
                comparison: index,
                numbers: part.numbers.iter().map(|sql| position(&mut columns, sql)).collect(),
                key: part.key.iter().map(|sql| position(&mut columns, sql)).collect(),
            });
        }
    }
    let mut numbers = Vec::new();
    let mut hashes = vec![None; columns.len()];
    reads.for_each_row(table, &columns, |row| {
        hashes.fill(None);
        for target in &targets {
            numbers.clear();
            for index in &target.numbers {
                numbers.push(row.integer(*index)?);
            }
            if numbers.iter().any(|number| *number != 0)
                && let Some(comparison) = comparisons.get_mut(target.comparison)
            {
                let contribution = Contribution {
                    numbers: &numbers,
                    row,
                    key: &target.key,
                    hash: hash_key(hash, row, &target.key, &mut hashes)?,
                };
                add(comparison, &contribution);
            }
        }
        Ok(())
    })
}

/// Returns the position of an expression, which is added if it is new.
fn position<'a>(columns: &mut Vec<&'a str>, sql: &'a str) -> usize {
    columns.iter().position(|column| *column == sql).unwrap_or_else(|| {
        columns.push(sql);
        columns.len() - 1
    })
}

/// The columns of a row that contribute to a comparison.
struct Target {
    comparison: usize,
    numbers: Vec<usize>,
    key: Vec<usize>,
}

/// Returns the hash of a key. Those of its columns are stored: keys of other comparisons have the same.
fn hash_key(
    state: &RandomState,
    row: &TableRow<'_>,
    key: &[usize],
    hashes: &mut [Option<u64>],
) -> rusqlite::Result<u64> {
    let mut combined = MIX;
    for index in key {
        let stored = hashes.get(*index).copied().flatten();
        let hash = match stored {
            Some(hash) => hash,
            None => state.hash_one(row.bytes(*index)?),
        };
        if let Some(stored) = hashes.get_mut(*index) {
            *stored = Some(hash);
        }
        combined = combined.rotate_left(17).wrapping_mul(MIX).wrapping_add(hash);
    }
    Ok(combined)
}

/// An odd constant without a pattern, of the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The numbers of one row, and its key.
struct Contribution<'a> {
    numbers: &'a [i64],
    row: &'a TableRow<'a>,
    key: &'a [usize],
    hash: u64,
}

impl Contribution<'_> {
    /// Returns a number that is linear in the numbers of the row.
    fn fingerprint(&self) -> u64 {
        let mut factor = self.hash;
        self.numbers.iter().fold(0, |sum: u64, number| {
            factor = factor.rotate_left(31).wrapping_mul(MIX);
            sum.wrapping_add(number.cast_unsigned().wrapping_mul(factor | 1))
        })
    }

    fn key(&self) -> Vec<String> {
        let text = |index: &usize| String::from_utf8_lossy(self.row.bytes(*index).unwrap_or_default()).into_owned();
        self.key.iter().map(text).collect()
    }
}

/// An invariant whose sums are compared.
struct Comparison {
    invariant: Invariant,
    sums: Sums,
    bits: u32,
    buckets: Vec<u64>,
    suspects: BTreeSet<usize>,
    keys: HashMap<Vec<String>, Vec<i64>>,
    has_all_keys: bool,
}

impl Comparison {
    fn new(invariant: Invariant, sums: Sums, bits: u32) -> Self {
        Self {
            invariant,
            sums,
            bits,
            buckets: vec![0; 1 << bits],
            suspects: BTreeSet::new(),
            keys: HashMap::new(),
            has_all_keys: true,
        }
    }

    fn bucket(&self, hash: u64) -> usize {
        usize::try_from(hash >> (u64::BITS - self.bits)).unwrap_or(usize::MAX)
    }

    fn add_fingerprint(&mut self, row: &Contribution<'_>) {
        let bucket = self.bucket(row.hash);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket = bucket.wrapping_add(row.fingerprint());
        }
    }

    fn find_suspects(&mut self) {
        let buckets = std::mem::take(&mut self.buckets).into_iter().enumerate();
        self.suspects = buckets.filter(|(_, sum)| *sum != 0).map(|(index, _)| index).collect();
    }

    fn add_sums(&mut self, row: &Contribution<'_>) {
        if !self.suspects.contains(&self.bucket(row.hash)) {
            return;
        }
        let key = row.key();
        if !self.keys.contains_key(&key) && self.keys.len() >= MAX_KEYS {
            self.has_all_keys = false;
            return;
        }
        let sums = self.keys.entry(key).or_insert_with(|| vec![0; row.numbers.len()]);
        for (sum, number) in sums.iter_mut().zip(row.numbers) {
            *sum = sum.wrapping_add(*number);
        }
    }

    /// Decides about each key whose sums are not zero.
    fn decide(self, reads: &ShortReads<'_>) -> rusqlite::Result<Compared> {
        let mut compared = Compared {
            invariant: self.invariant,
            violations: Violations::default(),
            is_complete: self.has_all_keys,
        };
        let is_zero = |sums: &[i64]| sums.iter().all(|sum| *sum == 0);
        let keys = self
            .keys
            .into_iter()
            .filter(|(_, sums)| !is_zero(sums))
            .map(|(key, _)| key);
        match self.sums.of_key {
            Some(sql) => {
                for key in keys {
                    // Searches by an index: a key with very many rows takes as long as it must.
                    reads.once(|conn| compared.violations.query(conn, sql, params_from_iter(&key)))?;
                }
            }
            None if keys.count() > 0 => {
                let query = |conn: &_| compared.violations.query(conn, self.invariant.sql, []);
                compared.is_complete &= reads.try_twice(query)?.is_some();
            }
            None => {}
        }
        Ok(compared)
    }
}
