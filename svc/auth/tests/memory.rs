//! Memory in use after many passwords were hashed. A test binary of its own, because it measures the whole process.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use auth::{Auth, Settings};
use serde_json::json;
use testkit::{TestEnv, eventually};

/// Resident memory of this process, in KiB (proc(5), `VmRSS`).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_a_burst_of_sign_ups_is_released() {
    let kit = TestEnv::new().await;
    let auth = kit
        .start::<Auth>(Settings {
            password_hashers: Some(4),
            sign_up_reveals_addresses: true,
            ..Settings::default()
        })
        .await;
    let burst = async |round: u32| {
        let mut requests = tokio::task::JoinSet::new();
        for number in 0..40 {
            let client = auth.client();
            let body = json!({"email": format!("ada{round}.{number}@example.com"), "password": "correct horse"});
            requests.spawn(async move { client.post("/api/v1/auth/signup", body).await.expect(201).text });
        }
        requests.join_all().await;
    };
    // Connections and threads need memory, too.
    burst(0).await;
    let before = resident();
    burst(1).await;
    burst(2).await;
    // Less than one working memory of 19 MiB.
    eventually("the memory is released", || async {
        (resident() < before + 10 * 1024).then_some(())
    })
    .await;
    println!("resident before {before} KiB, after {} KiB", resident());
    auth.stop().await;
}
