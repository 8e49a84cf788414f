use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use db::{Db, admin};
use tokio::task::JoinSet;

use crate::{BOX_OFFICE, Folder, notes, write_note};

const COMPLETED: &str = "saved ";

#[tokio::test]
async fn every_completed_write_survives_a_kill_of_the_process() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    let mut completed = Vec::new();
    for round in 0..5 {
        completed.extend(write_until_killed(&file, round * 100_000, 200));
        let db = folder.open();
        let kept = notes(&db).await;
        for id in &completed {
            assert!(kept.binary_search(id).is_ok(), "note {id} was completed and is lost");
        }
        db.close().await;
        assert_eq!(admin::check(&file, &BOX_OFFICE, &[]).unwrap(), []);
    }
}

/// Runs a process that writes, kills it, and returns the notes that it reported as saved: at least `enough`.
fn write_until_killed(file: &Path, first: i64, enough: usize) -> Vec<i64> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash_recovery::writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(process.stdin.as_mut().unwrap(), "{}\n{first}", file.display()).unwrap();
    let mut completed = Vec::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test harness writes to the same stream.
        if let Some((_, id)) = line.split_once(COMPLETED) {
            completed.push(id.parse().unwrap());
        }
        if completed.len() == enough {
            process.kill().unwrap();
        }
    }
    assert!(!process.wait().unwrap().success());
    assert!(completed.len() >= enough);
    completed
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that the test above kills"]
async fn writes_until_it_is_killed() {
    let mut lines = std::io::stdin().lines();
    let (Some(Ok(file)), Some(Ok(first))) = (lines.next(), lines.next()) else {
        return;
    };
    let first: i64 = first.parse().unwrap();
    let db = Db::open(Path::new(&file), &BOX_OFFICE).unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let db = db.clone();
        writers.spawn(async move {
            for id in (first + writer..).step_by(16) {
                db.write(move |tx| write_note(tx, id)).await.unwrap();
                // One write to the pipe per line, so that a kill cannot cut it in two.
                std::io::stdout()
                    .write_all(format!("{COMPLETED}{id}\n").as_bytes())
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
}
