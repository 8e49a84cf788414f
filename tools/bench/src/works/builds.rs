use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{BenchResult, recorder::Recorder};

/// The root of the project.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What is released. The tools of this workspace are not: with them a build takes twice as long.
const RELEASED: [&str; 8] = [
    "auth",
    "expiration",
    "notification",
    "order",
    "payment",
    "storefront",
    "stripe-sim",
    "ticket",
];

/// The file of which a line is changed, and the package that it belongs to.
const CHANGED: &str = "svc/ticket/src/lib.rs";
const PACKAGE: &str = "ticket";

/// Measures a build of what is released, from nothing, and a test build of a service after a change of one line, in a clone of the project.
///
/// # Errors
///
/// A build that fails.
pub fn measure_builds(recorder: &mut Recorder, folder: &Path) -> BenchResult<()> {
    let folder = folder.join("builds");
    let (project, target) = (folder.join("project"), folder.join("target"));
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", PROJECT]).arg(&project);
    time(&mut clone)?;
    let builds = Builds { project, target };
    recorder
        .progress
        .report("building a release from nothing: this takes up to half an hour");
    let packages = RELEASED.into_iter().flat_map(|package| ["--package", package]);
    let release = ["build", "--release", "--locked", "--bins"].into_iter().chain(packages);
    let release = builds.run(&release.collect::<Vec<_>>())?;
    recorder.record_seconds("build.release", release);
    let unit_tests = ["test", "--locked", "--no-run", "--package", PACKAGE, "--lib"];
    let all_tests = ["test", "--locked", "--no-run", "--package", PACKAGE];
    builds.run(&all_tests)?;
    for _ in 0..recorder.plan.repetitions {
        for (id, arguments) in [
            ("build.changed.unit-tests", unit_tests.as_slice()),
            ("build.changed.tests", &all_tests),
        ] {
            builds.change_line()?;
            recorder.record_seconds(id, builds.run(arguments)?);
        }
    }
    Ok(fs::remove_dir_all(&folder)?)
}

/// A clone of the project with build artefacts of its own.
struct Builds {
    project: PathBuf,
    target: PathBuf,
}

impl Builds {
    /// Runs Cargo as a developer does, and returns how long it takes.
    fn run(&self, arguments: &[&str]) -> BenchResult<Duration> {
        let mut cargo = Command::new("cargo");
        cargo.arg("--quiet").args(arguments).current_dir(&self.project);
        // Incremental, as is Cargo's default.
        time(
            cargo
                .env_remove("CARGO_INCREMENTAL")
                .env("CARGO_TARGET_DIR", &self.target),
        )
    }

    /// Adds a line without effect, so that the package is compiled again.
    fn change_line(&self) -> BenchResult<()> {
        let mut file = OpenOptions::new().append(true).open(self.project.join(CHANGED))?;
        Ok(file.write_all(b"const _: () = ();\n")?)
    }
}

fn time(command: &mut Command) -> BenchResult<Duration> {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(began.elapsed());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {errors}").into())
}
