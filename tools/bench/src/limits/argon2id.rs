use std::{thread, time::Duration};

use argon2::{Algorithm, Argon2, Params, Version};

use super::repeat;
use crate::BenchResult;

// The parameters of the auth service: those that OWASP recommends, and the defaults of the crate.
const MEMORY_KIBIBYTES: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Returns the number of password hashes per second of one thread.
///
/// # Errors
///
/// Never: the parameters are valid.
pub fn hashes_per_second(duration: Duration) -> BenchResult<f64> {
    let describe = |error| format!("argon2id: {error}");
    let params = Params::new(MEMORY_KIBIBYTES, PASSES, LANES, Some(32)).map_err(describe)?;
    let mut memory = vec![argon2::Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    repeat(duration, |number| {
        let salt = [number.to_le_bytes(), [7; 8]].concat();
        argon2
            .hash_password_into_with_memory(b"correct horse battery", &salt, &mut hash, &mut memory)
            .map_err(describe)?;
        std::hint::black_box(hash);
        Ok(())
    })
}

/// Runs `measure` on one thread for each processor, and returns the sum.
///
/// # Errors
///
/// That of a thread.
pub fn sum_of_threads(measure: fn(Duration) -> BenchResult<f64>, duration: Duration) -> BenchResult<f64> {
    let processors = thread::available_parallelism()?.get();
    let threads: Vec<_> = (0..processors)
        .map(|_| thread::spawn(move || measure(duration)))
        .collect();
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a measuring thread panicked")??;
    }
    Ok(sum)
}
