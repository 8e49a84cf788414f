use std::collections::BTreeMap;

use events::ClosureObstacle;
use values::{Timestamp, UserId, text_enum};

text_enum! {
    /// A service that decides whether an account can be deleted.
    #[derive(PartialOrd, Ord)]
    pub(crate) enum DecidingService {
        /// Listings and transfers.
        Ticket = "ticket",
        /// Orders and refunds.
        Order = "order",
        /// Payments, disputes and balances.
        Payment = "payment",
    }
}

/// The services are asked twice. What was in progress between two of them at the first decision of each, such as a payment that
/// completes an order, is finished by the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClosureRound {
    First,
    Second,
}

/// A user's request to delete the account, with the decisions of its round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ClosureRequest {
    pub(crate) user_id: UserId,
    /// The version of the account about which the services were asked last.
    pub(crate) version: u64,
    pub(crate) round: ClosureRound,
    pub(crate) requested_at: Timestamp,
    /// When it was withdrawn or refused: the account is active again.
    pub(crate) ended_at: Option<Timestamp>,
    /// What prevents the deletion, of each service that has decided.
    pub(crate) decisions: BTreeMap<DecidingService, Vec<ClosureObstacle>>,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClosureOutcome {
    /// Some services have not decided yet.
    Undecided,
    /// Something prevents the deletion.
    Refused,
    /// All have agreed once: they are asked again.
    Agreed,
    /// Nothing prevents the deletion.
    Granted,
}

impl ClosureRequest {
    /// Returns the outcome, once all services have decided: a user learns of all obstacles at once.
    pub(crate) fn outcome(&self) -> ClosureOutcome {
        if self.decisions.len() < DecidingService::ALL.len() {
            ClosureOutcome::Undecided
        } else if self.decisions.values().any(|obstacles| !obstacles.is_empty()) {
            ClosureOutcome::Refused
        } else {
            match self.round {
                ClosureRound::First => ClosureOutcome::Agreed,
                ClosureRound::Second => ClosureOutcome::Granted,
            }
        }
    }

    /// Returns what prevents the deletion, each obstacle once, in the order of their declaration.
    pub(crate) fn obstacles(&self) -> Vec<ClosureObstacle> {
        let stated: Vec<_> = self.decisions.values().flatten().collect();
        let all = ClosureObstacle::ALL.iter().copied();
        all.filter(|obstacle| stated.contains(&obstacle)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(round: ClosureRound, decisions: &[(DecidingService, &[ClosureObstacle])]) -> ClosureRequest {
        let now = Timestamp::from_millis(1_800_000_000_000);
        ClosureRequest {
            user_id: UserId::new(now),
            version: 2,
            round,
            requested_at: now,
            ended_at: None,
            decisions: decisions
                .iter()
                .map(|(service, obstacles)| (*service, obstacles.to_vec()))
                .collect(),
        }
    }

    #[test]
    fn all_services_decide_before_an_account_is_deleted_or_not() {
        use ClosureObstacle::{Balance, OpenOrders};
        use DecidingService::{Order, Payment, Ticket};
        for (decisions, first, second, obstacles) in [
            (&[][..], ClosureOutcome::Undecided, ClosureOutcome::Undecided, &[][..]),
            (
                &[(Order, &[OpenOrders][..]), (Ticket, &[])],
                ClosureOutcome::Undecided,
                ClosureOutcome::Undecided,
                &[OpenOrders],
            ),
            (
                &[(Order, &[]), (Ticket, &[]), (Payment, &[])],
                ClosureOutcome::Agreed,
                ClosureOutcome::Granted,
                &[],
            ),
            (
                &[
                    (Payment, &[Balance, OpenOrders][..]),
                    (Ticket, &[]),
                    (Order, &[OpenOrders]),
                ],
                ClosureOutcome::Refused,
                ClosureOutcome::Refused,
                &[OpenOrders, Balance],
            ),
        ] {
            for (round, outcome) in [(ClosureRound::First, first), (ClosureRound::Second, second)] {
                let request = request(round, decisions);
                assert_eq!((request.outcome(), &*request.obstacles()), (outcome, obstacles));
            }
        }
    }
}
