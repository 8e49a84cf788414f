//! What counts as an attempt to pay.

use chassis::Service;
use db::{Db, Tx};
use events::examples;

use super::start_payment;
use crate::{
    Payments,
    domain::{CardAttempts, CardLimits, CountedNetwork, Payment, TooManyCards},
    test_support::NOW,
    use_cases::PayOrderError,
};

const LIMITS: CardLimits = CardLimits {
    per_network: 1,
    ..CardLimits::UNLIMITED
};

/// Places an order, and pays it from a network that may have one declined card.
fn pay(tx: &Tx, attempts: &CardAttempts) -> Result<Payment, PayOrderError> {
    let home = CountedNetwork {
        name: "home".into(),
        limit: LIMITS.per_network,
    };
    start_payment(tx, &examples::order(NOW), vec![home], attempts)
}

#[tokio::test]
async fn a_payment_that_is_not_stored_is_no_attempt_of_its_network() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
    let attempts = CardAttempts::new(LIMITS);
    let write = async |ending: &'static str| {
        let attempts = attempts.clone();
        let command = move |tx: &Tx| {
            let payment = pay(tx, &attempts)?;
            tx.execute_batch(ending).map_err(db::Error::from)?;
            Ok::<_, PayOrderError>(payment)
        };
        db.write(command).await
    };
    // The command fails; its transaction is lost.
    for ending in ["INSERT INTO missing VALUES (1)", "ROLLBACK"] {
        let failed = write(ending).await;
        assert!(matches!(failed, Err(PayOrderError::Db(_))), "{ending}: {failed:?}");
    }
    write("").await.unwrap();
    let limited = write("").await;
    let is_limited = matches!(limited, Err(PayOrderError::TooManyCards(TooManyCards { .. })));
    assert!(is_limited, "{limited:?}");
}
