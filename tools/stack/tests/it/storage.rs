//! Disks that are full, and databases of another release.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    Client,
    child::{Child, dev, run},
    eventually,
    home::Home,
    person::{Person, offer},
};

/// A file system of its own, small enough to be full.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where one may not be mounted.
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

    /// Leaves no room for one more byte.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.0.join("ballast")).unwrap();
        for size in [1024 * 1024, 4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a failed test may still hold files open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_answered_with_503_and_when_there_is_room_again_it_goes_on() {
    let home = Home::new();
    let Some(disk) = SmallDisk::mount(&home.data()) else {
        return;
    };
    let child = Child::start(dev(&home.data()));
    let at = Client::new(&child.url);
    let (ada, bert) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    let ticket = ada.lists(json!({"quantity": 2})).await;
    bert.holds(&ticket, 1).await;
    ada.counts(&ticket, 1, 0).await;

    disk.fill();
    let refused = eventually("the disk is full", || async {
        // The log has room for some.
        let reply = ada
            .client()
            .post("/api/v1/tickets", offer(json!({"description": "x".repeat(4000)})))
            .await;
        (reply.status != 201).then_some(reply)
    })
    .await
    .expect(503);
    assert_eq!(refused.problem().0, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    // Who only looks does not notice.
    let _ = bert
        .client()
        .get(&format!("/api/v1/tickets/{ticket}"))
        .await
        .expect(200);
    let _ = bert.client().get("/api/v1/orders").await.expect(200);
    let health = at.get("/health").await.expect(503).text;
    assert!(health.contains("database or disk is full"), "{health}");

    disk.make_room();
    eventually("there is room again", || async {
        (at.get("/health").await.status == 200).then_some(())
    })
    .await;
    ada.lists(json!({})).await;
    let order = bert.holds(&ticket, 1).await;
    bert.buys(&order).await;
    ada.counts(&ticket, 1, 1).await;
    child.stop();
    home.assert_sound();
    // Before the disk goes away, its name for the broker.
    let namespace = home.namespace().to_string();
    drop(disk);
    fs::write(home.data().join("namespace"), namespace).unwrap();
}

#[test]
fn a_database_newer_than_the_binary_is_refused_in_a_sentence_and_left_as_it_is() {
    let home = Home::new();
    Child::start(dev(&home.data())).stop();
    let database = home.data().join("order.db");
    let newer = rusqlite::Connection::open(&database).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    newer.execute("UPDATE readable_since SET version = 999", []).unwrap();
    newer.close().unwrap();
    let before = fs::read(&database).unwrap();

    let ended = run(dev(&home.data()));
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    let sentence = ended.said.lines().last().unwrap();
    assert!(
        sentence.starts_with("ticketing: the database ") && sentence.contains("schema version 999"),
        "{sentence}"
    );
    assert_eq!(fs::read(&database).unwrap(), before);
    assert!(!home.data().join("order.db-wal").exists());
}
