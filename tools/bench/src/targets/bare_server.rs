use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use poem::{
    EndpointExt, IntoResponse, Response, Route, Server, get, handler,
    listener::{Acceptor, Listener, TcpListener},
    web::{Data, Json},
};
use serde_json::{Value, json};

use crate::{BenchResult, processes::ChildProcess};

/// A server with nothing but the web framework, in a process of its own: the limit of any handler.
#[derive(Debug)]
pub struct BareServer {
    process: ChildProcess,
    /// The address.
    pub addr: SocketAddr,
}

impl BareServer {
    /// Starts this program as the server. `/hello` returns a small object, `/0`, `/1` … the bytes of `bodies`.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(folder: &Path, bodies: &[Bytes]) -> BenchResult<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare-server");
        for (number, body) in bodies.iter().enumerate() {
            let path = folder.join(format!("body-{number}.json"));
            fs::write(&path, body)?;
            command.arg(path);
        }
        let mut process = ChildProcess::spawn(&mut command)?;
        let line = BufReader::new(process.take_stdout()?)
            .lines()
            .next()
            .ok_or("the bare server did not start")??;
        Ok(Self {
            process,
            addr: line.parse()?,
        })
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Runs the server, prints its address, and serves until the process is killed.
///
/// # Errors
///
/// A body that cannot be read, and a port that cannot be opened.
pub async fn serve(bodies: &[PathBuf]) -> BenchResult<()> {
    let mut routes = Route::new().at("/hello", get(hello));
    for (number, path) in bodies.iter().enumerate() {
        routes = routes.at(format!("/{number}"), get(same_bytes).data(Bytes::from(fs::read(path)?)));
    }
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
    let addr = acceptor
        .local_addr()
        .first()
        .and_then(|addr| addr.as_socket_addr().copied());
    println!("{}", addr.ok_or("no address")?);
    Ok(Server::new_with_acceptor(acceptor).run(routes).await?)
}

#[handler]
fn hello() -> Json<Value> {
    Json(json!({"id": "5f1c0ffee5f1c0ffee5f1c0f", "title": "concert", "price": 20, "version": 0}))
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "an extractor")]
fn same_bytes(body: Data<&Bytes>) -> Response {
    body.0
        .clone()
        .with_content_type("application/json; charset=utf-8")
        .into_response()
}
