use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
};

use chassis::OperatorError;
use stack::{Ports, Settings, Stack, Stripe};
use stripe_sim::Sim;
use tokio::runtime::Runtime;

use crate::{
    Client, amqp_url,
    home::{Home, apart, runtime},
    person::Person,
};

/// A stack in this process, with everything real around it. When it goes away its databases are looked through.
pub(crate) struct Town {
    runtime: Option<Runtime>,
    stack: Option<Stack>,
    home: Home,
}

impl Town {
    /// One that no other test disturbs, nor is disturbed by.
    pub(crate) fn new() -> Self {
        let (home, runtime) = (Home::new(), runtime());
        let stack = Some(start(&runtime, settings(&home)).unwrap());
        Self {
            runtime: Some(runtime),
            stack,
            home,
        }
    }

    /// One for all tests that do not disturb each other. It lives as long as any of them does.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Town>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let town = Arc::new(Self::new());
            *shared = Arc::downgrade(&town);
            town
        })
    }

    /// Stops everything and starts it again with the same data.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.stack = Some(start(self.runtime(), settings(&self.home)).unwrap());
    }

    pub(crate) fn stop(&mut self) {
        let (runtime, stack) = (self.runtime.as_ref().unwrap(), self.stack.take().unwrap());
        thread::scope(|scope| scope.spawn(|| runtime.block_on(stack.stop())).join().unwrap());
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    fn stack(&self) -> &Stack {
        self.stack.as_ref().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        self.stack().url()
    }

    /// The Stripe simulator that takes the cards.
    pub(crate) fn stripe_simulator(&self) -> &Sim {
        self.stack().stripe_simulator().unwrap().0
    }

    /// Where it is.
    pub(crate) fn double_url(&self) -> String {
        self.stack().stripe_simulator().unwrap().1.to_owned()
    }

    /// Where a service is by itself.
    pub(crate) fn service_url(&self, name: &str) -> String {
        self.stack().services().find(|service| service.0 == name).unwrap().1
    }

    /// Nobody yet, at the front door.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url())
    }

    /// Somebody new.
    pub(crate) async fn user(&self) -> Person {
        Person::sign_up(&self.client()).await
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if self.stack.is_some() {
            self.stop();
        }
        // A runtime must not be dropped inside another one.
        let runtime = self.runtime.take();
        apart(async { drop(tokio::task::spawn_blocking(move || drop(runtime)).await) });
        if !thread::panicking() {
            self.home.assert_sound();
        }
    }
}

/// How a stack of the tests is set up: as `dev` does it, on ports that are free.
pub(crate) fn settings(home: &Home) -> Settings {
    Settings {
        data: home.data(),
        bind: [127, 0, 0, 1].into(),
        ports: Ports::Free,
        broker: amqp_url(),
        stripe: Stripe::default(),
        auth: auth::Settings {
            cookie_secure: false,
            ..auth::Settings::default()
        },
        order: order::Settings::default(),
        expiration: expiration::Settings::default(),
        clock: values::Clock::system(),
    }
}

fn start(runtime: &Runtime, settings: Settings) -> Result<Stack, OperatorError> {
    thread::scope(|scope| {
        scope
            .spawn(|| runtime.block_on(Stack::start(settings, |_| {})))
            .join()
            .unwrap()
    })
}
