//! The library with a real Consul agent, if it is installed: `scripts/tool consul` builds it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    net::TcpListener,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use discovery::{Consul, Resolver};
use test_certificates::TestCa;
use tls::{ClientTls, TlsFiles};
use tokio::process::{Child, Command};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const DEADLINE: Duration = Duration::from_secs(30);

/// Returns the path of the program, if it is on PATH or in the cache.
async fn consul() -> Option<String> {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/tool");
    let output = Command::new(tool).args(["--cached", "consul"]).output().await.unwrap();
    let path = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    if path.is_empty() {
        eprintln!("skipped: no Consul here (scripts/tool consul builds it, in a few minutes)");
    }
    (!path.is_empty()).then_some(path)
}

struct Agent {
    process: Child,
    url: String,
    http: reqwest::Client,
}

impl Agent {
    /// Starts an agent with its own ports that stores everything in memory; `None` where Consul is not installed.
    async fn start(port: u16) -> Option<Self> {
        Self::start_with(port, &[]).await
    }

    async fn start_with(port: u16, arguments: &[String]) -> Option<Self> {
        let (server, serf) = (free_port(), free_port());
        let process = Command::new(consul().await?)
            .args([
                "agent",
                "-dev",
                "-bind=127.0.0.1",
                "-dns-port=-1",
                "-grpc-port=-1",
                "-grpc-tls-port=-1",
            ])
            .args([
                format!("-http-port={port}"),
                format!("-server-port={server}"),
                format!("-serf-lan-port={serf}"),
            ])
            .args(arguments)
            .args(["-serf-wan-port=-1", "-disable-host-node-id", "-node=test"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let agent = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::new(),
        };
        let leads = async {
            let leader = format!("{}/v1/status/leader", agent.url);
            loop {
                if let Ok(answer) = agent.http.get(&leader).send().await
                    && answer.text().await.is_ok_and(|leader| leader.len() > 2)
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(DEADLINE, leads)
            .await
            .expect("the agent does not come up");
        Some(agent)
    }

    /// Registers an instance with a check of the given status.
    async fn register(&self, port: u16, status: &str) {
        let body = format!(
            r#"{{"Name": "ticketing-auth", "ID": "{port}", "Port": {port}, "Check": {{"TTL": "1h", "Status": "{status}"}}}}"#
        );
        let url = format!("{}/v1/agent/service/register", self.url);
        let answer = self.http.put(url).body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn deregister(&self, port: u16) {
        let url = format!("{}/v1/agent/service/deregister/{port}", self.url);
        assert!(self.http.put(url).send().await.unwrap().status().is_success());
    }
}

async fn wait_for_port(resolver: &mut Resolver, port: u16) {
    let waiting = async {
        while resolver.address().map(|address| address.port) != Ok(port) {
            resolver.changed().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting)
        .await
        .expect("the port was never resolved");
}

/// Returns a free port; each call another one. They are below the ports that the system gives to connections, which would take
/// them before the agent starts, or while it is down.
fn free_port() -> u16 {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    // By process id, so that tests that start together choose different ports.
    let first = 17_000 + u16::try_from(std::process::id() % 500).unwrap() * 20;
    loop {
        let port = first + COUNT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[tokio::test]
async fn a_service_is_resolved_over_tls_by_an_agent_that_proves_its_name_and_requires_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, other_ca) = (TestCa::new(folder.path(), "ca"), TestCa::new(folder.path(), "other-ca"));
    let (server, own) = (
        ca.issue("server.dc1.consul", &["localhost"]),
        ca.issue("order", &["order"]),
    );
    let (http, https) = (free_port(), free_port());
    let config = serde_json::json!({
        "ports": {"https": https},
        "tls": {"https": {
            "ca_file": ca.file, "cert_file": server.certificate, "key_file": server.key, "verify_incoming": true,
        }},
    });
    let file = folder.path().join("tls.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let arguments = [format!("-config-file={}", file.display())];
    let Some(agent) = Agent::start_with(http, &arguments).await else {
        return;
    };
    agent.register(4001, "passing").await;
    let files = TlsFiles {
        ca: Some(ca.file.clone()),
        certificate: Some(own.certificate),
        key: Some(own.key),
    };
    let locate = async |host: &str, port: u16, files: &TlsFiles| {
        let url = format!("https://{host}:{port}").parse().unwrap();
        let tls = ClientTls::load(files).unwrap();
        let consul = Consul::new(&url, Some("s3cret"), Some(&tls)).unwrap();
        consul.locate(&"ticketing-auth".parse().unwrap()).await
    };
    // The agent answers a registration before its server knows of it.
    let located = async {
        loop {
            match locate("localhost", https, &files).await {
                Err(refused) if refused.contains("no healthy instance") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                located => return located,
            }
        }
    };
    let located = tokio::time::timeout(DEADLINE, located).await;
    assert_eq!(
        located.expect("the service is not in the catalogue").unwrap().port,
        4001
    );
    let untrusted = TlsFiles {
        ca: Some(other_ca.file.clone()),
        ..files.clone()
    };
    let anonymous = TlsFiles {
        ca: Some(ca.file.clone()),
        ..TlsFiles::default()
    };
    for (host, port, files, reason) in [
        (
            "localhost",
            https,
            &untrusted,
            "its certificate is not signed by a trusted CA",
        ),
        (
            "127.0.0.1",
            https,
            &files,
            "its certificate is not for 127.0.0.1 but for DnsName(\"localhost\")",
        ),
        (
            "localhost",
            https,
            &anonymous,
            "it requires a client certificate, or has no cipher in common",
        ),
        ("localhost", http, &files, "it does not speak TLS on this port"),
    ] {
        let refused = locate(host, port, files).await.unwrap_err();
        assert!(refused.ends_with(reason), "{refused}");
    }
    // And watched, with blocking queries.
    let url = format!("https://localhost:{https}").parse().unwrap();
    let consul = Consul::new(&url, None, Some(&ClientTls::load(&files).unwrap())).unwrap();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let mut resolver = consul.watch("ticketing-auth".parse().unwrap(), stop.clone(), &tasks);
    wait_for_port(&mut resolver, 4001).await;
    agent.deregister(4001).await;
    agent.register(4002, "passing").await;
    wait_for_port(&mut resolver, 4002).await;
    stop.cancel();
}

#[tokio::test]
async fn a_service_is_resolved_through_moves_and_through_a_consul_that_lost_its_state() {
    let port = free_port();
    let Some(mut agent) = Agent::start(port).await else {
        return;
    };
    let consul = Consul::new(&agent.url.parse().unwrap(), None, None).unwrap();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let mut resolver = consul.watch("ticketing-auth".parse().unwrap(), stop.clone(), &tasks);

    agent.register(4001, "passing").await;
    wait_for_port(&mut resolver, 4001).await;
    // An unhealthy instance is never returned.
    agent.register(4002, "critical").await;
    agent.deregister(4001).await;
    agent.register(4003, "passing").await;
    wait_for_port(&mut resolver, 4003).await;

    agent.process.kill().await.unwrap();
    tokio::time::timeout(DEADLINE, resolver.changed())
        .await
        .expect("the failure was not reported");
    assert_eq!(resolver.address().unwrap().port, 4003);
    // A new agent without state: its index restarts.
    let agent = Agent::start(port).await.unwrap();
    assert_eq!(resolver.address().unwrap().port, 4003);
    agent.register(4004, "passing").await;
    wait_for_port(&mut resolver, 4004).await;

    stop.cancel();
    tasks.close();
    tokio::time::timeout(DEADLINE, tasks.wait())
        .await
        .expect("the watch did not stop");
}
