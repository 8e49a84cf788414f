//! Effects that happen some time after their request: a refund ends, a bank disputes a charge, a dispute is decided.

use rusqlite::params;

use super::Tx;
use crate::error::StripeError;

/// What happens to an object later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EffectKind {
    /// A refund succeeds or fails.
    Refund,
    /// A charge is disputed.
    Dispute,
    /// A dispute is decided by its evidence.
    DisputeDecision,
}

impl EffectKind {
    const ALL: [Self; 3] = [Self::Refund, Self::Dispute, Self::DisputeDecision];

    fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::DisputeDecision => "verdict",
        }
    }

    fn parse(text: &str) -> Result<Self, StripeError> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| StripeError::internal(format!("`{text}` is not a scheduled effect")))
    }
}

/// An effect that has not happened yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ScheduledEffect {
    id: i64,
    pub(crate) kind: EffectKind,
    /// The id of the refund, charge or dispute.
    pub(crate) object: String,
}

/// Schedules an effect on an object, in the transaction of its cause.
pub(crate) fn schedule(tx: &Tx<'_>, kind: EffectKind, object: &str) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached("INSERT INTO later (what, object) VALUES (?1, ?2)")?
        .execute(params![kind.as_str(), object])?;
    Ok(())
}

/// Returns the scheduled effects, oldest first.
pub(crate) fn scheduled(tx: &Tx<'_>) -> Result<Vec<ScheduledEffect>, StripeError> {
    let mut query = tx
        .sql
        .prepare_cached("SELECT id, what, object FROM later ORDER BY id")?;
    let rows = query.query_map([], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
        ))
    })?;
    rows.map(|row| {
        let (id, kind, object) = row?;
        let kind = EffectKind::parse(&kind)?;
        Ok(ScheduledEffect { id, kind, object })
    })
    .collect()
}

/// Removes an effect before it is applied. Returns `false` if it was removed before.
pub(crate) fn remove_scheduled(tx: &Tx<'_>, effect: &ScheduledEffect) -> Result<bool, StripeError> {
    Ok(tx.sql.execute("DELETE FROM later WHERE id = ?1", [effect.id])? > 0)
}
