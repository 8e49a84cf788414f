use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const START: Duration = Duration::from_mins(1);
const MINUTES_15: Duration = Duration::from_mins(15);

fn attempts() -> SignInAttempts {
    SignInAttempts::new(SignInLimits {
        per_account: 3,
        per_address: 5,
        before_slowing: 8,
        slow_interval: Duration::from_secs(30),
        window: MINUTES_15,
    })
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn from_home(attempts: &SignInAttempts, account: &str) -> Attempt {
    attempts.sign_in(account, address("192.0.2.1"), None, START)
}

fn fail(attempts: &SignInAttempts, attempt: &Attempt, now: Duration) {
    attempts.try_reserve(attempt, now).unwrap().unwrap().fail(now);
}

/// Whether the attempt is allowed.
fn check(attempts: &SignInAttempts, attempt: &Attempt, now: Duration) -> Result<(), TooManyFailures> {
    attempts.try_reserve(attempt, now).map(drop)
}

#[test]
fn an_account_is_blocked_for_a_network_until_fifteen_minutes_after_its_first_failure() {
    let attempts = attempts();
    let ada = from_home(&attempts, "ada");
    for minute in 0..3 {
        fail(&attempts, &ada, START + Duration::from_mins(minute));
    }
    let later = START + Duration::from_mins(5);
    assert_eq!(
        check(&attempts, &ada, later),
        Err(TooManyFailures(Duration::from_mins(10)))
    );
    check(&attempts, &from_home(&attempts, "bob"), later).unwrap();
    let elsewhere = attempts.sign_in("ada", address("198.51.100.7"), None, START);
    check(&attempts, &elsewhere, later).unwrap();

    fail(&attempts, &ada, START + MINUTES_15);
    check(&attempts, &ada, START + MINUTES_15).unwrap();
}

#[test]
fn failures_elsewhere_lock_no_user_out_and_slow_the_account_down() {
    let attempts = attempts();
    let device = SessionId::new(values::Timestamp::from_millis(1));
    let known = attempts.sign_in("ada", address("192.0.2.1"), Some(device), START);
    for network in 0..4 {
        let attacker = attempts.sign_in("ada", address(&format!("198.51.100.{network}")), None, START);
        fail(&attempts, &attacker, START);
        fail(&attempts, &attacker, START);
    }
    // Other networks: one attempt in half a minute.
    let elsewhere = from_home(&attempts, "ada");
    assert_eq!(
        check(&attempts, &elsewhere, START),
        Err(TooManyFailures(Duration::from_secs(30)))
    );
    let later = START + Duration::from_secs(30);
    let reservation = attempts.try_reserve(&elsewhere, later).unwrap();
    assert!(check(&attempts, &elsewhere, later).is_err(), "one at a time");
    reservation.unwrap().succeed();
    assert!(check(&attempts, &elsewhere, later).is_err(), "a match does not end it");
    // A browser that has signed in before.
    for _ in 0..3 {
        fail(&attempts, &known, later);
    }
    assert!(check(&attempts, &known, later).is_err(), "it has a limit of its own");
    let stranger = attempts.sign_in("bob", address("192.0.2.1"), None, START);
    check(&attempts, &stranger, later).unwrap();
    check(&attempts, &elsewhere, START + MINUTES_15).unwrap();
}

#[test]
fn many_failures_of_browsers_that_have_signed_in_before_make_them_like_others() {
    let attempts = attempts();
    let from = |network: u32, device| {
        let device = SessionId::new(values::Timestamp::from_millis(device));
        attempts.sign_in("ada", address(&format!("192.0.2.{network}")), Some(device), START)
    };
    for device in 1..=8 {
        check(&attempts, &from(1, device), START).unwrap();
        fail(&attempts, &from(1, device), START);
    }
    // Now the network counts: three failures of an account.
    for device in 9..=11 {
        fail(&attempts, &from(1, device), START);
    }
    assert_eq!(check(&attempts, &from(1, 12), START), Err(TooManyFailures(MINUTES_15)));
    check(&attempts, &from(2, 12), START).unwrap();
}

#[test]
fn an_address_is_blocked_for_all_accounts_and_for_sign_ups() {
    let attempts = attempts();
    let sign_up = attempts.sign_up(address("192.0.2.1"));
    for account in ["a", "b", "c", "d"] {
        fail(&attempts, &from_home(&attempts, account), START);
    }
    fail(&attempts, &sign_up, START);
    for attempt in [&from_home(&attempts, "f"), &sign_up] {
        assert_eq!(check(&attempts, attempt, START), Err(TooManyFailures(MINUTES_15)));
    }
    let elsewhere = attempts.sign_in("f", address("192.0.2.2"), None, START);
    check(&attempts, &elsewhere, START).unwrap();
    // The response to an earlier sign-up.
    let repeated = attempts.repeated_sign_up("key", address("192.0.2.1"));
    for _ in 0..3 {
        fail(&attempts, &repeated, START);
    }
    assert!(check(&attempts, &repeated, START).is_err());
}

#[test]
fn a_success_resets_the_count_of_the_account_and_not_of_the_address() {
    let attempts = attempts();
    let mine = from_home(&attempts, "mine");
    for account in ["a", "b", "mine", "mine"] {
        fail(&attempts, &from_home(&attempts, account), START);
    }
    attempts.try_reserve(&mine, START).unwrap().unwrap().succeed();
    fail(&attempts, &from_home(&attempts, "c"), START);
    assert!(check(&attempts, &mine, START).is_err());
    let elsewhere = attempts.sign_in("mine", address("192.0.2.2"), None, START);
    check(&attempts, &elsewhere, START).unwrap();
}

#[test]
fn concurrent_attempts_never_exceed_a_limit() {
    let attempts = attempts();
    for (kind, limit) in [("account from network", 3), ("network", 5), ("account", 8)] {
        let failed = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for number in 0..24 {
                let (attempts, failed) = (&attempts, &failed);
                let attempt = match kind {
                    "account" => attempts.sign_in("one", address(&format!("198.51.100.{number}")), None, START),
                    "network" => attempts.sign_in(&format!("many {number}"), address("203.0.113.1"), None, START),
                    _ => attempts.sign_in("other", address("192.0.2.1"), None, START),
                };
                scope.spawn(move || {
                    while let Ok(reserved) = attempts.try_reserve(&attempt, START) {
                        std::thread::yield_now();
                        if let Some(reservation) = reserved {
                            failed.fetch_add(1, Ordering::SeqCst);
                            reservation.fail(START);
                            break;
                        }
                    }
                });
            }
        });
        assert_eq!(failed.load(Ordering::SeqCst), limit, "{kind}");
    }
}

#[test]
fn reservations_that_end_without_a_failure_leave_no_trace() {
    let attempts = attempts();
    let ada = from_home(&attempts, "ada");
    let reserve = || attempts.try_reserve(&ada, START).unwrap();
    let reservations: Vec<_> = (0..3).map(|_| reserve().unwrap()).collect();
    assert!(reserve().is_none(), "three attempts could fail");
    for reservation in reservations {
        reservation.succeed();
        // One that ends without a result, as after a panic.
        drop(reserve().unwrap());
    }
    assert!(attempts.shared.counters().is_empty());
}

#[test]
fn ipv6_is_counted_by_three_networks() {
    // Each attempt on an account of its own, so that the network decides.
    let failures = |addresses: &mut dyn Iterator<Item = String>| {
        let attempts = attempts();
        addresses
            .enumerate()
            .take_while(|(number, client)| {
                let attempt = attempts.sign_in(&number.to_string(), address(client), None, START);
                let reserved = attempts.try_reserve(&attempt, START);
                reserved.map(|reservation| reservation.unwrap().fail(START)).is_ok()
            })
            .count()
    };
    assert_eq!(failures(&mut (0..99).map(|host| format!("2001:db8::{host}"))), 5);
    assert_eq!(failures(&mut (0..99).map(|net| format!("2001:db8:0:{net:x}::1"))), 20);
    assert_eq!(
        failures(&mut (0..200).map(|net| format!("2001:db8:0:{:x}::1", net << 8))),
        80
    );
    assert_eq!(failures(&mut (0..99).map(|_| "::ffff:192.0.2.1".to_owned())), 5);
    assert_eq!(
        failures(&mut (0..50).map(|host| format!("::ffff:192.0.2.{host}"))),
        50,
        "different IPv4 addresses"
    );
}

#[test]
fn a_network_has_a_larger_allowance_for_one_account_at_each_wider_level() {
    let attempts = attempts();
    let failed = (0..99)
        .take_while(|net| {
            let attempt = attempts.sign_in("ada", address(&format!("2001:db8:0:{net:x}::1")), None, START);
            let reserved = attempts.try_reserve(&attempt, START);
            reserved.map(|reservation| reservation.unwrap().fail(START)).is_ok()
        })
        .count();
    assert_eq!(failed, 8, "the account is slowed down before 12 failures of one /56");
}
