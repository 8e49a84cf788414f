//! The program prints plans. Whole rounds are `just torture`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

fn torture(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_torture"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_same_seed_prints_the_same_plans() {
    let plans = torture(&["--plan", "--rounds", "2", "--seed", "41"]);
    assert_eq!(torture(&["--plan", "--rounds", "2", "--seed", "41"]), plans);
    let (_, second) = plans.split_once("seed 42").unwrap();
    assert_eq!(
        torture(&["--plan", "--rounds", "1", "--seed", "42"]),
        format!("seed 42{second}")
    );
    assert!(
        plans.contains("kill order") && plans.contains("kill the broker"),
        "{plans}"
    );
}

#[test]
fn a_random_seed_is_printed_with_its_plan() {
    let plan = torture(&["--plan", "--rounds", "1"]);
    let seed = plan.lines().next().unwrap().strip_prefix("seed ").unwrap().to_owned();
    assert_eq!(torture(&["--plan", "--rounds", "1", "--seed", &seed]), plan);
}
