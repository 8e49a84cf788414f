use std::{
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::BenchResult;

/// The time that a process has to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A child process that is killed when dropped.
#[derive(Debug)]
pub struct ChildProcess(Child);

impl ChildProcess {
    /// Starts a command, without input and with its output captured.
    ///
    /// # Errors
    ///
    /// A program that is missing.
    pub fn spawn(command: &mut Command) -> BenchResult<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Ok(Self(child.map_err(|error| format!("{program}: {error}"))?))
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Takes the output of the process.
    ///
    /// # Errors
    ///
    /// It was taken before.
    pub fn take_stdout(&mut self) -> BenchResult<ChildStdout> {
        self.0.stdout.take().ok_or_else(|| "the output was taken before".into())
    }

    /// Returns whether the process has ended.
    ///
    /// # Errors
    ///
    /// Its status cannot be read.
    pub fn has_ended(&mut self) -> BenchResult<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// Asks the process to end, and waits until it has.
    ///
    /// # Errors
    ///
    /// It has not ended in time; it is killed then.
    pub async fn stop(self) -> BenchResult<()> {
        self.stop_by(Signal::TERM).await
    }

    /// Asks the process to end by a signal, and waits until it has.
    ///
    /// # Errors
    ///
    /// It has not ended in time; it is killed then.
    pub async fn stop_by(mut self, signal: Signal) -> BenchResult<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or("no process id")?, signal)?;
        let ended = async {
            while self.0.try_wait()?.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            BenchResult::Ok(())
        };
        match tokio::time::timeout(STOP_TIMEOUT, ended).await {
            Ok(ended) => ended,
            Err(_) => Err(format!("process {} has not ended within {STOP_TIMEOUT:?}", self.0.id()).into()),
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
