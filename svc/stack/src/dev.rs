use std::process::{self, ExitCode};

use chassis::{LogFormat, StartError};
use stack::Stack;
use tokio::runtime::Builder;

use crate::{
    board::{Progress, board},
    cli::DevArgs,
    signals::Signals,
};

/// Runs everything until somebody asks it to stop. The exit code says who did.
pub(crate) fn dev(args: &DevArgs) -> Result<ExitCode, StartError> {
    let settings = args.settings()?;
    chassis::start_telemetry(&args.log, LogFormat::Human)?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::new)?;
    runtime.block_on(async {
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
    })
}
