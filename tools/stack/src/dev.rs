use std::{
    process::{self, ExitCode},
    time::Duration,
};

use chassis::{LogFormat, OperatorError};
use stack::Stack;
use tokio::runtime::Builder;

use crate::{
    banner::{Progress, banner},
    cli::DevSettings,
    signals::Signals,
};

/// Threads for blocking work: database reads and password hashing, both bounded by themselves. Each thread that ever ran
/// leaves memory with the allocator, and tokio's default limit is 512.
const MAX_BLOCKING_THREADS: usize = 16;

/// How long an idle blocking thread is kept.
const BLOCKING_THREAD_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Runs the stack until SIGINT or SIGTERM, and returns the exit code of that signal.
pub(crate) fn dev(args: &DevSettings) -> Result<ExitCode, OperatorError> {
    let settings = args.stack();
    chassis::start_telemetry(&args.log, LogFormat::Human)?;
    chassis::raise_file_limit();
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_keep_alive(BLOCKING_THREAD_KEEP_ALIVE)
        .build()
        .map_err(OperatorError::new)?;
    runtime.block_on(args.traces.export_during(async {
        let mut signals = Signals::listen()?;
        let data = settings.data.clone();
        let progress = Progress::new();
        let stack = tokio::select! {
            stack = Stack::start(settings, |part| progress.report(part)) => stack?,
            // The next start recovers from a start that was interrupted anywhere.
            code = signals.next() => process::exit(code.into()),
        };
        drop(progress);
        println!("{}", banner(&stack, &data, &args.log, args.mail_server()));
        let code = signals.next().await;
        eprintln!("ticketing: stopping; a second signal quits at once");
        tokio::select! {
            () = stack.stop() => {}
            // Nothing is lost: the next start continues from the databases.
            code = signals.next() => process::exit(code.into()),
        }
        eprintln!("ticketing: stopped");
        Ok(ExitCode::from(code))
    }))
}
