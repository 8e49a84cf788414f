use std::{
    process::{self, ExitCode},
    time::Duration,
};

use chassis::{LogFormat, OperatorError};
use stack::Stack;
use tokio::runtime::Builder;

use crate::{
    board::{Progress, board},
    cli::DevArgs,
    signals::Signals,
};

/// Threads for what blocks: reading databases and hashing passwords, both bounded by themselves. Each that was ever there
/// leaves memory behind with the allocator, and the usual limit is 512.
const BLOCKING: usize = 16;

/// How long such a thread waits for more.
const KEEP: Duration = Duration::from_secs(2);

/// Runs everything until somebody asks it to stop. The exit code says who did.
pub(crate) fn dev(args: &DevArgs) -> Result<ExitCode, OperatorError> {
    let settings = args.settings()?;
    chassis::start_telemetry(&args.log, LogFormat::Human)?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(KEEP)
        .build()
        .map_err(OperatorError::new)?;
    runtime.block_on(args.traces.recorded(async {
        let mut signals = Signals::listen()?;
        let data = settings.data.clone();
        let progress = Progress::new();
        let stack = tokio::select! {
            stack = Stack::start(settings, |part| progress.tell(part)) => stack?,
            // Nothing is begun that a start would not survive being killed in.
            code = signals.next() => process::exit(code.into()),
        };
        drop(progress);
        println!("{}", board(&stack, &data, &args.log));
        let code = signals.next().await;
        eprintln!("ticketing: stopping (again: at once)");
        tokio::select! {
            () = stack.stop() => {}
            // Somebody does not want to wait: nothing is lost by that.
            code = signals.next() => process::exit(code.into()),
        }
        eprintln!("ticketing: stopped");
        Ok(ExitCode::from(code))
    }))
}
