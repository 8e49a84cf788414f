//! Values that commands hand over once they are committed.

use crate::{Folder, write_note};

#[derive(Debug, PartialEq, Eq)]
struct Note(i64);

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_committed_is_handed_over_in_the_order_of_the_commits() {
    let folder = Folder::new();
    let db = folder.open();
    let committed = db.committed_values::<Note>();
    let write = |id: i64, fails: bool| {
        let db = db.clone();
        async move {
            let command = move |tx: &db::Tx| {
                write_note(tx, id)?;
                tx.hand_over(Note(id), 8);
                // A part that is undone.
                let undone = tx.attempt(|tx| {
                    tx.hand_over(Note(-id), 8);
                    Err::<(), _>(())
                })?;
                assert!(undone.is_err());
                if fails { Err(db::Error::Closed) } else { Ok(()) }
            };
            db.write(command).await.is_ok()
        }
    };
    let writes: Vec<_> = (1..=100).map(|id| write(id, id % 3 == 0)).collect();
    // Unconstrained, so that the database gets them in this order.
    tokio::task::unconstrained(futures_util::future::join_all(writes)).await;
    committed.added().await;
    let notes: Vec<Note> = committed.take(1000);
    let expected: Vec<_> = (1..=100).filter(|id| id % 3 != 0).map(Note).collect();
    assert_eq!(notes, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_beyond_the_limit_are_dropped_until_there_is_room() {
    const MIB: usize = 1024 * 1024;
    let folder = Folder::new();
    let db = folder.open();
    let hand_over = |id: i64| {
        db.write(move |tx| {
            write_note(tx, id)?;
            tx.hand_over(Note(id), MIB);
            Ok::<_, db::Error>(())
        })
    };
    // Without a receiver.
    hand_over(1).await.unwrap();
    let committed = db.committed_values::<Note>();
    for id in 2..=9 {
        hand_over(id).await.unwrap();
    }
    assert_eq!(committed.take(1), [Note(2)]);
    hand_over(10).await.unwrap();
    assert_eq!(committed.take(10), [3, 4, 5, 10].map(Note));
    hand_over(11).await.unwrap();
    committed.clear();
    assert_eq!(committed.take(10), []);
}

#[derive(Debug, PartialEq, Eq)]
struct Mark(i64);

#[tokio::test(flavor = "multi_thread")]
async fn each_type_has_its_own_receiver_and_its_own_room() {
    const MIB: usize = 1024 * 1024;
    let folder = Folder::new();
    let db = folder.open();
    let notes = db.committed_values::<Note>();
    let marks = db.committed_values::<Mark>();
    db.write(|tx| {
        write_note(tx, 1)?;
        for id in 1..=5 {
            tx.hand_over(Note(id), MIB);
            tx.hand_over(Mark(id), 8);
        }
        Ok::<_, db::Error>(())
    })
    .await
    .unwrap();
    marks.added().await;
    assert_eq!(marks.take(10), [1, 2, 3, 4, 5].map(Mark), "notes take no room of marks");
    notes.added().await;
    assert_eq!(notes.take(10), [1, 2, 3, 4].map(Note));
}
