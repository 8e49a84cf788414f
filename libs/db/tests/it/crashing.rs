use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use db::{Db, admin};
use tokio::task::JoinSet;

use crate::{BOX_OFFICE, Disk, notes, write_note};

const PROMISE: &str = "saved ";

#[tokio::test]
async fn every_write_that_was_answered_survives_the_death_of_the_process() {
    let disk = Disk::new();
    let file = disk.file("box-office.db");
    let mut promised = Vec::new();
    for round in 0..5 {
        promised.extend(die_writing(&file, round * 100_000, 200));
        let db = disk.open();
        let kept = notes(&db).await;
        for id in &promised {
            assert!(kept.binary_search(id).is_ok(), "note {id} was answered and is lost");
        }
        db.close().await;
        assert_eq!(admin::check(&file, &BOX_OFFICE, &[]).unwrap(), []);
    }
}

/// Lets another process write, kills it amid that, and gives the notes it said were saved: at least `enough`.
fn die_writing(file: &Path, first: i64, enough: usize) -> Vec<i64> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crashing::writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(process.stdin.as_mut().unwrap(), "{}\n{first}", file.display()).unwrap();
    let mut promised = Vec::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test harness writes to the same stream.
        if let Some((_, id)) = line.split_once(PROMISE) {
            promised.push(id.parse().unwrap());
        }
        if promised.len() == enough {
            process.kill().unwrap();
        }
    }
    assert!(!process.wait().unwrap().success());
    assert!(promised.len() >= enough);
    promised
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that the test above kills"]
async fn writes_until_it_is_killed() {
    let mut given = std::io::stdin().lines();
    let (Some(Ok(file)), Some(Ok(first))) = (given.next(), given.next()) else {
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
                    .write_all(format!("{PROMISE}{id}\n").as_bytes())
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
}
