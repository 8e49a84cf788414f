use std::collections::HashMap;

use super::table::{Destination, OutboxRow};
use crate::message::MAX_BATCH_EVENTS;

/// The maximum size of a batch in bytes. A larger event is published alone. An enqueue costs the broker about the same up to
/// some kilobytes for each queue, so larger batches save little more.
const MAX_BATCH_BYTES: usize = 64 * 1024;

/// Divides rows into messages: events of one type share a message. The order is kept for each aggregate, and for each type.
pub(super) fn batches(rows: &[OutboxRow]) -> Vec<Vec<&OutboxRow>> {
    let mut batches: Vec<Batch<'_>> = Vec::new();
    // The last batch of each type, and of each aggregate.
    let (mut of_type, mut of_subject) = (HashMap::new(), HashMap::new());
    for row in rows {
        let fitting = of_type.get(row.event_type.as_str()).copied().filter(|index| {
            let batch: &Batch<'_> = &batches[*index];
            let follows = of_subject.get(row.subject.as_str()).is_none_or(|last| last <= index);
            follows && batch.accepts(row)
        });
        let index = fitting.unwrap_or_else(|| {
            batches.push(Batch::default());
            batches.len() - 1
        });
        let batch = &mut batches[index];
        batch.bytes += row.body.len();
        batch.rows.push(row);
        of_subject.insert(row.subject.as_str(), index);
        // A timer has its own way, and its type is that of no event.
        of_type.insert(row.event_type.as_str(), index);
    }
    batches.into_iter().map(|batch| batch.rows).collect()
}

#[derive(Default)]
struct Batch<'a> {
    rows: Vec<&'a OutboxRow>,
    bytes: usize,
}

impl Batch<'_> {
    fn accepts(&self, row: &OutboxRow) -> bool {
        matches!(row.destination, Destination::Events)
            && self.rows.len() < MAX_BATCH_EVENTS
            && self.bytes + row.body.len() <= MAX_BATCH_BYTES
    }
}

/// Returns the body of a batch.
pub(super) fn batch_body(rows: &[&OutboxRow]) -> Vec<u8> {
    let bytes = rows.iter().map(|row| row.body.len() + 1).sum::<usize>() + 1;
    let mut body = Vec::with_capacity(bytes);
    for row in rows {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(row.body.as_bytes());
    }
    body.push(b']');
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use values::Timestamp;

    use super::*;

    fn row(id: i64, event_type: u8, subject: u8, bytes: usize) -> OutboxRow {
        OutboxRow {
            id,
            // Type 0 is that of timers.
            destination: match event_type {
                0 => Destination::Delay("1000".to_owned()),
                _ => Destination::Events,
            },
            event_id: id.to_string(),
            subject: subject.to_string(),
            event_type: event_type.to_string(),
            traceparent: None,
            body: "7".repeat(bytes),
            created_at: Timestamp::from_millis(0),
        }
    }

    proptest! {
        #[test]
        fn every_event_is_in_one_batch_and_in_order_for_its_aggregate_and_its_type(
            events in prop::collection::vec((0..4_u8, 0..6_u8, prop::sample::select(vec![1, 900, 40_000, 900_000])), 0..256)
        ) {
            let rows: Vec<_> = (1..)
                .zip(&events)
                .map(|(id, (event_type, subject, bytes))| row(id, *event_type, *subject, *bytes))
                .collect();
            let batches = batches(&rows);
            let published: Vec<_> = batches.concat();
            let mut ids: Vec<_> = published.iter().map(|row| row.id).collect();
            let keys: [fn(&OutboxRow) -> String; 2] = [|row| row.subject.clone(), |row| row.event_type.clone()];
            for key in keys {
                let mut last = HashMap::new();
                for row in &published {
                    prop_assert!(last.insert(key(row), row.id).is_none_or(|before| before < row.id), "{ids:?}");
                }
            }
            ids.sort_unstable();
            prop_assert_eq!(ids, rows.iter().map(|row| row.id).collect::<Vec<_>>());
            for batch in &batches {
                prop_assert!(batch.iter().all(|row| row.event_type == batch[0].event_type));
                prop_assert!(batch.len() == 1 || batch[0].event_type != "0", "a batch of timers");
                prop_assert!((1..=MAX_BATCH_EVENTS).contains(&batch.len()));
                let bytes: usize = batch.iter().map(|row| row.body.len()).sum();
                prop_assert!(batch.len() == 1 || bytes <= MAX_BATCH_BYTES);
            }
        }
    }

    #[test]
    fn events_of_a_busy_service_share_few_messages() {
        let rows: Vec<_> = (0..240)
            .map(|id| row(id, 1 + u8::try_from(id % 3).unwrap(), 0, 700))
            .collect();
        assert_eq!(batches(&rows).len(), 240, "one aggregate");
        let rows: Vec<_> = (0..240)
            .map(|id| row(id, 1 + u8::try_from(id % 3).unwrap(), u8::try_from(id).unwrap(), 700))
            .collect();
        assert_eq!(
            batches(&rows).iter().map(Vec::len).collect::<Vec<_>>(),
            [64, 64, 64, 16, 16, 16]
        );
    }
}
