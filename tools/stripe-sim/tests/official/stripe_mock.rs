//! stripe-mock and Stripe's description of its API, which it carries: fetched and built once, by Go.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command as Program},
};

use crate::description::Description;

/// Returns the path of stripe-mock and the description, or the reason for which they are not available.
pub(crate) fn official() -> Result<(PathBuf, Description), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tool = output_of(Command::new(root.join("../../scripts/tool")).arg("stripe-mock"))?;
    let mut download = Command::new("go");
    download
        .args(["mod", "download", "-json", "github.com/stripe/stripe-mock"])
        .current_dir(root.join("stripe-mock"));
    let module: Value = serde_json::from_str(&output_of(&mut download)?).unwrap();
    let file = Path::new(module["Dir"].as_str().unwrap()).join("embedded/openapi/spec3.json");
    let text = std::fs::read_to_string(file).unwrap();
    Ok((tool.trim().into(), Description(serde_json::from_str(&text).unwrap())))
}

fn output_of(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Starts stripe-mock. Returns the process, its output (stripe-mock ends when the pipe is closed), and its URL.
pub(crate) async fn start(program: &Path) -> (Child, Lines<BufReader<ChildStdout>>, String) {
    let mut child = Program::new(program)
        .args(["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(address) = line.strip_prefix("Listening for HTTP at address: ") {
            let url = format!("http://{}", address.trim());
            return (child, lines, url);
        }
    }
}
