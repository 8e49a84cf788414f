//! A network between a browser and the site that can fail.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::TaskTracker;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Works,
    /// Connections stay, and nothing is forwarded.
    Stalled,
    Cut,
}

/// Forwards connections to the site. Ends when it is dropped.
pub(crate) struct Network {
    /// The address of the site through this network.
    pub(crate) url: String,
    state: watch::Sender<State>,
}

impl Network {
    /// Starts a network to the site at `url`.
    pub(crate) async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, mut current) = watch::channel(State::Works);
        TaskTracker::new().spawn(async move {
            let tasks = TaskTracker::new();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    changed = current.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                };
                let Ok((mut browser, _)) = accepted else { continue };
                let (mut state, target) = (current.clone(), target.clone());
                tasks.spawn(async move {
                    if *state.borrow() == State::Works {
                        let Ok(mut site) = TcpStream::connect(target).await else {
                            return;
                        };
                        tokio::select! {
                            _ = copy_bidirectional(&mut browser, &mut site) => {}
                            _ = state.wait_for(|state| *state != State::Works) => {}
                        }
                    }
                    let _ = state.wait_for(|state| *state != State::Stalled).await;
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    /// Ends all connections, and accepts no others.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Keeps all connections, and forwards nothing.
    pub(crate) fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Forwards again.
    pub(crate) fn restore(&self) {
        self.state.send_replace(State::Works);
    }
}
