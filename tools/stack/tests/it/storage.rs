//! Full disks, and databases of a newer release.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    eventually,
    support::{StackProcess, TestData, dev_command, run},
    user::{User, ticket_body},
};

/// A small file system, which a test can fill.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one. Returns `None` without the permission to mount.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(at)
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(at.to_owned()));
        }
        println!("skipped: mounting a small file system needs root");
        None
    }

    /// Writes until not one more byte fits.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.0.join("ballast")).unwrap();
        for size in [1024 * 1024, 4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free_space(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a failed test may still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_causes_503_until_there_is_space_again() {
    let data = TestData::new();
    let Some(disk) = SmallDisk::mount(&data.folder()) else {
        return;
    };
    let process = StackProcess::start(dev_command(&data.folder()));
    let client = process.client();
    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    let ticket = seller.list_ticket(json!({"quantity": 2})).await;
    buyer.hold_tickets(&ticket, 1).await;
    seller.wait_for_stock(&ticket, 1, 0).await;

    disk.fill();
    let refused = eventually("the disk is full", || async {
        // The write-ahead log has space for some writes.
        let reply = seller
            .client()
            .post("/api/v1/tickets", ticket_body(json!({"description": "x".repeat(4000)})))
            .await;
        (reply.status != 201).then_some(reply)
    })
    .await
    .expect(503);
    assert_eq!(refused.problem().0, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    // Reads still succeed.
    let _ = buyer
        .client()
        .get(&format!("/api/v1/tickets/{ticket}"))
        .await
        .expect(200);
    let _ = buyer.client().get("/api/v1/orders").await.expect(200);
    let health = client.get("/health").await.expect(503).text;
    assert!(health.contains("database or disk is full"), "{health}");

    disk.free_space();
    eventually("there is space again", || async {
        (client.get("/health").await.status == 200).then_some(())
    })
    .await;
    seller.list_ticket(json!({})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    buyer.buy(&order).await;
    seller.wait_for_stock(&ticket, 1, 1).await;
    process.stop();
    data.assert_consistent();
    // The namespace of the broker is kept, so that it is deleted after the disk is unmounted.
    let namespace = data.namespace().to_string();
    drop(disk);
    fs::write(data.folder().join("namespace"), namespace).unwrap();
}

#[test]
fn a_database_of_a_newer_release_is_refused_and_not_changed() {
    let data = TestData::new();
    StackProcess::start(dev_command(&data.folder())).stop();
    let database = data.folder().join("order.db");
    let newer = rusqlite::Connection::open(&database).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    newer.execute("UPDATE readable_since SET version = 999", []).unwrap();
    newer.close().unwrap();
    let before = fs::read(&database).unwrap();

    let exit = run(dev_command(&data.folder()));
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let sentence = exit.stderr.lines().last().unwrap();
    assert!(
        sentence.starts_with("ticketing: the database ") && sentence.contains("schema version 999"),
        "{sentence}"
    );
    assert_eq!(fs::read(&database).unwrap(), before);
    assert!(!data.folder().join("order.db-wal").exists());
}
