use tokio::sync::watch;

/// Whether the database may be used: false while a restored one catches up.
#[derive(Clone, Debug)]
pub struct RecoveryStatus(pub(crate) watch::Receiver<bool>);

/// The database may be used.
impl Default for RecoveryStatus {
    fn default() -> Self {
        Self(watch::Sender::new(true).subscribe())
    }
}

impl RecoveryStatus {
    /// Waits until the database may be used; forever if the service stops before.
    pub(crate) async fn wait(mut self) {
        if self.0.wait_for(|recovered| *recovered).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
