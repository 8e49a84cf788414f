//! Codes that were tried and do not exist, for each attendant.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use problem::Problem;
use values::Timestamp;

/// Unknown codes that one attendant may send within the window.
const MAX_UNKNOWN: u32 = 60;

const WINDOW: Duration = Duration::from_mins(1);

/// Attendants that are counted; beyond, those whose window is over are dropped, and then all.
const MAX_ATTENDANTS: usize = 10_000;

/// Counts codes that do not exist. A code has 128 random bits: the limit keeps a program that tries codes from costing
/// anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeAttempts(Arc<Mutex<HashMap<String, Attempts>>>);

#[derive(Clone, Copy, Debug)]
struct Attempts {
    since: Timestamp,
    unknown: u32,
}

impl CodeAttempts {
    /// Refuses an attendant who has sent too many unknown codes.
    pub(super) fn check(&self, attendant: &str, now: Timestamp) -> Result<(), Problem> {
        let attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match attempts.get(attendant) {
            Some(of) if of.unknown >= MAX_UNKNOWN && now < of.since + WINDOW => Err(Problem::too_many_requests(
                "Too many unknown codes were tried here.",
                now.until(of.since + WINDOW),
            )),
            _ => Ok(()),
        }
    }

    /// Counts an unknown code.
    pub(super) fn count(&self, attendant: &str, now: Timestamp) {
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= MAX_ATTENDANTS {
            attempts.retain(|_, of| now < of.since + WINDOW);
            if attempts.len() >= MAX_ATTENDANTS {
                attempts.clear();
            }
        }
        let of = attempts
            .entry(attendant.to_owned())
            .or_insert(Attempts { since: now, unknown: 0 });
        // The clock may have been set back.
        if now >= of.since + WINDOW || now < of.since {
            *of = Attempts { since: now, unknown: 0 };
        }
        of.unknown = of.unknown.saturating_add(1);
    }
}
