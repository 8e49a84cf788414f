//! Applies scheduled effects: a refund ends, a bank disputes a charge, a dispute is decided.

use std::{collections::HashSet, sync::Arc};

use crate::{
    domain::{dispute, refund},
    error::StripeError,
    state::SimState,
    store::{EffectKind, ScheduledEffect, Tx, remove_scheduled, scheduled},
};

/// Applies an effect, unless it was applied before.
fn apply(tx: &Tx<'_>, effect: &ScheduledEffect) -> Result<(), StripeError> {
    if !remove_scheduled(tx, effect)? {
        return Ok(());
    }
    let applied = match effect.kind {
        EffectKind::Refund => refund::end_scheduled(tx, &effect.object),
        EffectKind::Dispute => dispute::open_scheduled(tx, &effect.object),
        EffectKind::DisputeDecision => dispute::decide_by_evidence(tx, &effect.object),
    };
    match applied {
        // The object has changed since, so that the effect does not apply any more.
        Err(error) if error.status.is_client_error() => Ok(()),
        applied => applied,
    }
}

/// Applies every scheduled effect, and returns their number. Effects that these schedule are left for the next call.
pub(crate) fn apply_all(tx: &Tx<'_>) -> Result<usize, StripeError> {
    let effects = scheduled(tx)?;
    effects.iter().try_for_each(|effect| apply(tx, effect))?;
    Ok(effects.len())
}

/// Applies each effect after the configured delay, which begins when this process first reads the effect.
pub(crate) async fn run(state: Arc<SimState>) {
    let Some(delay) = state.scheduled_delay else { return };
    let mut timed = HashSet::new();
    state.schedule_changed.notify_one();
    loop {
        tokio::select! {
            () = state.stop.cancelled() => return,
            () = state.schedule_changed.notified() => {}
        }
        let effects = state.background_transaction(scheduled).await;
        let Ok(effects) =
            effects.inspect_err(|error| tracing::error!(cause = error.cause, "scheduled effects cannot be read"))
        else {
            continue;
        };
        timed.retain(|effect| effects.contains(effect));
        for effect in effects {
            if timed.insert(effect.clone()) {
                let task_state = state.clone();
                state.tasks.spawn(async move {
                    tokio::select! {
                        () = tokio::time::sleep(delay) => {}
                        () = task_state.stop.cancelled() => return,
                    }
                    if let Err(error) = task_state.transaction(move |tx| apply(tx, &effect)).await {
                        tracing::error!(cause = error.cause, "a scheduled effect was not applied");
                    }
                });
            }
        }
    }
}
