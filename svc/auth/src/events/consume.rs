use std::sync::Arc;

use bus::{ConsumeError, EventHandler};
use db::Tx;
use events::{Envelope, Event};
use token::{Denial, DenyList};
use values::Timestamp;

use crate::{domain::DecidingService, use_cases::record_decision};

/// Returns the handler of the events that the service consumes: the decisions about deletions of accounts. They may repeat and
/// arrive in any order.
pub(crate) fn event_handler(denied: DenyList) -> EventHandler {
    Arc::new(move |tx, now, envelope| {
        // If the commit fails, the sessions end a little early: the event is consumed again.
        for denial in consume(tx, now, envelope)? {
            denied.add(denial, now);
        }
        Ok(())
    })
}

fn consume(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<Vec<Denial>, ConsumeError> {
    let (service, decision) = match &envelope.event {
        Event::TicketClosureDecided(decision) => (DecidingService::Ticket, decision),
        Event::OrderClosureDecided(decision) => (DecidingService::Order, decision),
        Event::PaymentClosureDecided(decision) => (DecidingService::Payment, decision),
        other => {
            return Err(ConsumeError::new(format_args!(
                "the auth service does not consume {}",
                other.name()
            )));
        }
    };
    Ok(record_decision(tx, now, service, decision)?)
}
