//! The Stripe simulator as a program.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use stripe_sim::{Config, Sim, Webhook};
use tokio::signal::unix::{SignalKind, signal};

/// Simulate Stripe's HTTP API with state, for development and tests.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Listen at this address; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:12111", env = "STRIPE_SIM_LISTEN")]
    listen: SocketAddr,
    /// Require this secret key from servers.
    #[arg(
        long,
        default_value = "sk_test_ticketing",
        env = "STRIPE_SIM_SECRET_KEY",
        hide_env_values = true
    )]
    secret_key: String,
    /// Accept this publishable key from browsers; by default the secret key with pk_ for sk_.
    #[arg(long, env = "STRIPE_SIM_PUBLISHABLE_KEY")]
    publishable_key: Option<String>,
    /// Keep the state in this file; without it, the state ends with the program.
    #[arg(long, env = "STRIPE_SIM_DATABASE")]
    database: Option<PathBuf>,
    /// Post all events to this URL; repeat it for several receivers, or separate them by commas.
    #[arg(
        long,
        env = "STRIPE_SIM_WEBHOOK_URL",
        value_delimiter = ',',
        requires = "webhook_secret"
    )]
    webhook_url: Vec<String>,
    /// Sign events with this secret, such as whsec_…; one for each receiver, in the same order.
    #[arg(
        long,
        env = "STRIPE_SIM_WEBHOOK_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        requires = "webhook_url"
    )]
    webhook_secret: Vec<String>,
    /// Apply the later effects of test cards, such as a dispute or a failed refund, after this many milliseconds.
    #[arg(long, default_value_t = 2000, env = "STRIPE_SIM_LATER_MS")]
    later_ms: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stripe-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::new(arguments.secret_key);
    if let Some(key) = arguments.publishable_key {
        config.publishable_key = key;
    }
    config.scheduled_delay = Some(Duration::from_millis(arguments.later_ms));
    if arguments.webhook_url.len() != arguments.webhook_secret.len() {
        return Err("every --webhook-url needs a --webhook-secret of its own".into());
    }
    for (url, secret) in arguments.webhook_url.into_iter().zip(arguments.webhook_secret) {
        config.webhooks.push(Webhook {
            url,
            secret,
            events: vec!["*".to_owned()],
        });
    }
    let sim = match &arguments.database {
        Some(path) => Sim::open(path, config).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Sim::in_memory(config)?,
    };
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listen = arguments.listen;
    let running = sim
        .serve(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    println!("{}", running.url);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.shutdown().await;
    sim.close().await;
    Ok(())
}
