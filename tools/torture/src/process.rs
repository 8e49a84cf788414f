//! A service as a process of its own.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::error::TortureError;

/// The interval at which the end of a process is looked for.
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The time that a process has to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

/// How a process is started.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Standard output and standard error of all its processes.
    pub(crate) log: PathBuf,
}

/// A running process.
#[derive(Debug)]
struct Running {
    child: Child,
    started: Instant,
    last_seen: Instant,
}

/// The end of a process by itself.
#[derive(Debug)]
pub(crate) struct ProcessExit {
    pub(crate) status: ExitStatus,
    /// When it was started.
    pub(crate) started: Instant,
    /// When it was last found running: it has ended since.
    pub(crate) last_seen: Instant,
}

impl Launch {
    fn start(&self) -> Result<Running, TortureError> {
        let log = self.open_log().map_err(|error| TortureError::file(&self.log, &error))?;
        let errors = log.try_clone().map_err(|error| TortureError::file(&self.log, &error))?;
        let mut command = Command::new(&self.program);
        // The settings of this machine's services are not for these.
        command
            .env_clear()
            .args(&self.arguments)
            .envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let started = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| TortureError::file(&self.program, &error))?;
        Ok(Running {
            child,
            started,
            last_seen: started,
        })
    }

    fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(&self.log)
    }
}

/// A service that is killed, paused and started again. One fault at a time has it; without one, it runs.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: &'static str,
    launch: Launch,
    running: Mutex<Option<Running>>,
}

impl Process {
    pub(crate) fn start(name: &'static str, launch: Launch) -> Result<Self, TortureError> {
        let running = Mutex::new(Some(launch.start()?));
        Ok(Self { name, launch, running })
    }

    /// Sends SIGKILL, and starts the service again after `down`.
    pub(crate) async fn kill(&self, down: Duration) -> Result<(), TortureError> {
        let mut current = self.running.lock().await;
        if let Some(running) = current.as_mut() {
            running.child.kill().map_err(TortureError::new)?;
            exit(&mut running.child).await.map_err(TortureError::new)?;
        }
        sleep(down).await;
        *current = Some(self.launch.start()?);
        Ok(())
    }

    /// Sends SIGSTOP, and SIGCONT after `lasts`.
    pub(crate) async fn pause(&self, lasts: Duration) {
        let current = self.running.lock().await;
        if let Some(running) = current.as_ref() {
            signal(running.child.id(), Signal::STOP);
            sleep(lasts).await;
            signal(running.child.id(), Signal::CONT);
        }
    }

    /// Starts the service again if it has ended by itself, and returns its exit then.
    pub(crate) fn restart_if_ended(&self) -> Result<Option<ProcessExit>, TortureError> {
        // A fault has it.
        let Ok(mut current) = self.running.try_lock() else {
            return Ok(None);
        };
        let Some(running) = current.as_mut() else {
            return Ok(None);
        };
        let now = Instant::now();
        let Some(status) = running.child.try_wait().map_err(TortureError::new)? else {
            running.last_seen = now;
            return Ok(None);
        };
        let exit = ProcessExit {
            status,
            started: running.started,
            last_seen: running.last_seen,
        };
        *current = Some(self.launch.start()?);
        Ok(Some(exit))
    }

    /// Sends SIGTERM, and returns whether the service ended in time. It is not started again.
    pub(crate) async fn stop(&self) -> bool {
        let Some(Running { mut child, .. }) = self.running.lock().await.take() else {
            return true;
        };
        signal(child.id(), Signal::TERM);
        let has_ended = timeout(STOP_TIMEOUT, exit(&mut child)).await.is_ok();
        if !has_ended {
            let _ = child.kill();
            let _ = child.wait();
        }
        has_ended
    }

    /// Returns the lines of the log that report a panic.
    pub(crate) fn panics(&self) -> Vec<String> {
        let log = fs::read(&self.launch.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let panics = log.lines().filter(|line| line.contains("panicked at"));
        panics.map(ToOwned::to_owned).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(running) = self.running.get_mut() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// Waits for the end of a process.
async fn exit(process: &mut Child) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok(status);
        }
        sleep(EXIT_POLL_INTERVAL).await;
    }
}

/// Sends a signal to a process, unless it has ended.
pub(crate) fn signal(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
