//! How much memory is left in use after many passwords were hashed. On its own, because it looks at the whole process.
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
async fn a_burst_of_sign_ups_leaves_no_memory_behind() {
    let kit = TestEnv::new().await;
    let auth = kit
        .start::<Auth>(Settings {
            password_hashers: Some(4),
            ..Settings::default()
        })
        .await;
    let burst = async |round: u32| {
        let mut crowd = tokio::task::JoinSet::new();
        for number in 0..40 {
            let client = auth.client();
            let body = json!({"email": format!("ada{round}.{number}@example.com"), "password": "correct horse"});
            crowd.spawn(async move { client.post("/api/v1/auth/signup", body).await.expect(201).text });
        }
        crowd.join_all().await;
    };
    // Connections and threads have their share.
    burst(0).await;
    let before = resident();
    burst(1).await;
    burst(2).await;
    // Less than one working memory of 19 MiB.
    eventually("the memory is given back", || async {
        (resident() < before + 10 * 1024).then_some(())
    })
    .await;
    println!("resident before {before} KiB, after {} KiB", resident());
    auth.stop().await;
}
