use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
};

use chassis::OperatorError;
use stack::{Settings, Stack};
use stripe_sim::Sim;
use tokio::runtime::Runtime;

use crate::{
    Client, amqp_url,
    support::{TestData, block_on_new_thread, new_runtime},
    user::User,
};

/// A stack in the process of the test. When it is dropped, its databases and its parked messages are checked.
pub(crate) struct TestApp {
    runtime: Option<Runtime>,
    stack: Option<Stack>,
    data: TestData,
}

impl TestApp {
    /// Starts a stack for one test.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// Starts a stack with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (data, runtime) = (TestData::new(), new_runtime());
        let mut settings = settings(&data);
        change(&mut settings);
        let stack = Some(start(&runtime, settings).unwrap());
        Self {
            runtime: Some(runtime),
            stack,
            data,
        }
    }

    /// Returns the stack that is shared by the tests which do not affect each other; starts it if none of them runs.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<TestApp>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            // Tests of every operation send many wrong passwords, all from one address.
            let app = Arc::new(Self::with(|settings| settings.auth.failures_per_address = u32::MAX));
            *shared = Arc::downgrade(&app);
            app
        })
    }

    /// Stops the stack, and starts it again with the same data.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.stack = Some(start(self.runtime(), settings(&self.data)).unwrap());
    }

    fn stop(&mut self) {
        let (runtime, stack) = (self.runtime.as_ref().unwrap(), self.stack.take().unwrap());
        thread::scope(|scope| scope.spawn(|| runtime.block_on(stack.stop())).join().unwrap());
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    fn stack(&self) -> &Stack {
        self.stack.as_ref().unwrap()
    }

    /// Returns the URL of the front door.
    pub(crate) fn url(&self) -> String {
        self.stack().url()
    }

    pub(crate) fn stripe_simulator(&self) -> &Sim {
        self.stack().stripe_simulator().unwrap().0
    }

    pub(crate) fn stripe_url(&self) -> String {
        self.stack().stripe_simulator().unwrap().1.to_owned()
    }

    /// Returns the URL of one service, without the front door.
    pub(crate) fn service_url(&self, name: &str) -> String {
        self.stack().services().find(|service| service.0 == name).unwrap().1
    }

    /// Returns the URL of the pages with mails.
    pub(crate) fn mail_pages(&self) -> String {
        self.stack().mail_pages().unwrap()
    }

    /// Returns the folder that mails are written to.
    pub(crate) fn mail_folder(&self) -> PathBuf {
        self.data.folder().join("mail")
    }

    /// Returns a client of the front door without an access token.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url())
    }

    /// Signs up a new user.
    pub(crate) async fn user(&self) -> User {
        User::sign_up(&self.client()).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if self.stack.is_some() {
            self.stop();
        }
        // A runtime must not be dropped inside another one.
        let runtime = self.runtime.take();
        block_on_new_thread(async { drop(tokio::task::spawn_blocking(move || drop(runtime)).await) });
        if !thread::panicking() {
            self.data.assert_consistent();
        }
    }
}

fn settings(data: &TestData) -> Settings {
    let mut settings = Settings::with_free_ports(data.folder(), amqp_url());
    // All tests that share a stack have one address.
    settings.auth.sign_ups_per_address = 100_000;
    settings
}

fn start(runtime: &Runtime, settings: Settings) -> Result<Stack, OperatorError> {
    thread::scope(|scope| {
        scope
            .spawn(|| runtime.block_on(Stack::start(settings, |_| {})))
            .join()
            .unwrap()
    })
}
