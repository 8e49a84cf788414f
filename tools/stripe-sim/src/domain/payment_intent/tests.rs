use super::*;

fn intent(status: Status) -> PaymentIntent {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let mut intent = PaymentIntent::new("pi_1".into(), "pi_1_secret_2".into(), 1000, "usd".into(), now);
    intent.status = status;
    intent.amount_capturable = if status == RequiresCapture { 1000 } else { 0 };
    intent
}

const ALL: [Status; 7] = [
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Canceled,
    Succeeded,
];

#[test]
fn each_operation_is_allowed_in_its_states_and_refused_in_the_others() {
    let now = Timestamp::from_millis(1_800_000_000_000);
    for status in ALL {
        let open = matches!(status, RequiresPaymentMethod | RequiresConfirmation | RequiresAction);
        assert_eq!(intent(status).check_confirmable().is_ok(), open, "confirm {status}");
        assert_eq!(intent(status).attach("pm_1").is_ok(), open, "attach {status}");
        assert_eq!(
            intent(status).capture(None).is_ok(),
            status == RequiresCapture,
            "capture {status}"
        );
        let over = matches!(status, Canceled | Succeeded);
        assert_eq!(intent(status).cancel(None, now).is_ok(), !over, "cancel {status}");
    }
}

#[test]
fn an_error_names_the_status_and_shows_the_intent() {
    let error = intent(Canceled).capture(None).unwrap_err();
    assert_eq!(error.body.code.as_deref(), Some("payment_intent_unexpected_state"));
    assert_eq!(error.body.payment_intent.unwrap()["status"], "canceled");
}

#[test]
fn no_more_is_captured_than_was_authorised_and_the_rest_is_released() {
    assert!(intent(RequiresCapture).capture(Some(1001)).is_err());
    let mut partly = intent(RequiresCapture);
    assert_eq!(partly.capture(Some(400)).unwrap(), 400);
    assert_eq!((partly.amount_capturable, partly.amount_received), (0, 400));
}
