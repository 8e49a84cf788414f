use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// Prints what is measured, while it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    start: Instant,
}

impl Progress {
    /// Starts the clock.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Prints a line with the time since the start.
    pub fn report(&self, line: impl Display) {
        let seconds = self.start.elapsed().as_secs();
        eprintln!("{:>3}:{:02}  {line}", seconds / 60, seconds % 60);
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
