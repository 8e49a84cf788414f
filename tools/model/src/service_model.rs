//! A service as a function: from the rows of its database and a step to other rows, published messages and an output.
//!
//! Each step runs the service's own use case in a transaction of a database in memory, which is read and rolled back.
//! The result is stored, so that the same step from the same rows costs one lookup.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, RwLock},
};

use chassis::Service;
use db::Tx;

use crate::{
    database::{ModelDatabase, Rows, StableIds},
    interner::Interner,
    messages::{MessageId, Messages},
};

/// The index of the rows of a database.
pub(crate) type RowsId = u32;

/// The result of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Transition<O> {
    pub(crate) next: RowsId,
    pub(crate) published: Vec<MessageId>,
    pub(crate) output: Option<O>,
    /// The rule that the step violates.
    pub(crate) violation: Option<&'static str>,
}

/// The parts of a service that the model needs.
pub(crate) trait ModelledService: Send + Sync + 'static {
    type Service: Service;
    /// An input.
    type Step: Clone + Eq + Hash + Debug + Send + Sync;
    /// The result of a step besides rows and messages.
    type Output: Clone + Send + Sync;
    /// The fields of the rows that the model reads.
    type View: Clone + PartialEq + Debug + Send + Sync;

    /// The tables, each after those that it references.
    const TABLES: &'static [&'static str];
    /// Tables on which no step depends, or which triggers maintain.
    const IGNORED_TABLES: &'static [&'static str];
    /// Columns that triggers maintain.
    const TRIGGER_COLUMNS: &'static [&'static str];
    /// The stable ids of rows, by table.
    const STABLE_IDS: &'static [(&'static str, &'static [&'static str])];

    /// Runs a step. The caller rolls it back on an error.
    fn run(tx: &Tx, step: &Self::Step, messages: &Messages) -> Result<Option<Self::Output>, StepError>;
    fn view(tx: &Tx, ids: &StableIds) -> Self::View;
    /// Returns the rule that forbids a transition between two views.
    fn forbidden(before: &Self::View, after: &Self::View) -> Option<&'static str>;
}

/// The reason for which a step is rolled back.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The service refuses the step, as specified.
    Refused,
    /// The step must not fail.
    Defect(String),
}

struct StoredRows<V> {
    rows: Rows,
    view: Arc<V>,
    violated_invariant: Option<&'static str>,
}

/// Transitions by rows and step.
type Transitions<S> = HashMap<(RowsId, <S as ModelledService>::Step), Arc<Transition<<S as ModelledService>::Output>>>;

pub(crate) struct ServiceModel<S: ModelledService> {
    stored: RwLock<Interner<Rows, StoredRows<S::View>>>,
    transitions: RwLock<Transitions<S>>,
    idle_databases: Mutex<Vec<ModelDatabase>>,
    /// SQL that runs after each step, to break a rule on purpose.
    injected_fault: Option<&'static str>,
}

impl<S: ModelledService> ServiceModel<S> {
    /// Returns a model whose rows 0 are an empty database.
    pub(crate) fn new(injected_fault: Option<&'static str>) -> Self {
        let model = Self {
            stored: RwLock::default(),
            transitions: RwLock::default(),
            idle_databases: Mutex::default(),
            injected_fault,
        };
        let database = ModelDatabase::new::<S>();
        let empty = vec![Vec::new(); S::TABLES.len()];
        model.store(empty, S::view(&database.tx, &StableIds::default()), None);
        model.idle_databases.lock().unwrap().push(database);
        model
    }

    pub(crate) fn view(&self, id: RowsId) -> Arc<S::View> {
        Arc::clone(&self.stored_rows(id).view)
    }

    fn stored_rows(&self, id: RowsId) -> Arc<StoredRows<S::View>> {
        self.stored.read().unwrap().get(usize::try_from(id).unwrap())
    }

    /// Returns the numbers of stored rows and of stored transitions.
    pub(crate) fn size(&self) -> (usize, usize) {
        (
            self.stored.read().unwrap().len(),
            self.transitions.read().unwrap().len(),
        )
    }

    fn find(&self, rows: &Rows) -> Option<RowsId> {
        let index = self.stored.read().unwrap().index_of(rows);
        index.map(|index| RowsId::try_from(index).unwrap())
    }

    fn store(&self, rows: Rows, view: S::View, violated_invariant: Option<&'static str>) -> RowsId {
        let mut stored = self.stored.write().unwrap();
        let index = stored.intern(rows.clone(), || StoredRows {
            rows,
            view: Arc::new(view),
            violated_invariant,
        });
        RowsId::try_from(index).unwrap()
    }

    /// Returns the transition of a step, which is run unless it is stored.
    pub(crate) fn step(&self, from: RowsId, step: &S::Step, messages: &Messages) -> Arc<Transition<S::Output>> {
        let key = (from, step.clone());
        if let Some(transition) = self.transitions.read().unwrap().get(&key) {
            return Arc::clone(transition);
        }
        let idle = self.idle_databases.lock().unwrap().pop();
        let database = idle.unwrap_or_else(ModelDatabase::new::<S>);
        let transition = Arc::new(self.run(&database, from, step, messages));
        self.idle_databases.lock().unwrap().push(database);
        self.transitions.write().unwrap().insert(key, Arc::clone(&transition));
        transition
    }

    fn run(
        &self,
        database: &ModelDatabase,
        from: RowsId,
        step: &S::Step,
        messages: &Messages,
    ) -> Transition<S::Output> {
        let before = self.stored_rows(from);
        database.tx.execute_batch("BEGIN").unwrap();
        database.load(&before.rows);
        let result = S::run(&database.tx, step, messages);
        if let Some(sql) = self.injected_fault {
            database.tx.execute_batch(sql).unwrap();
        }
        let transition = match result {
            Err(error) => Transition {
                next: from,
                published: Vec::new(),
                output: None,
                violation: match error {
                    StepError::Refused => None,
                    StepError::Defect(cause) => Some(&*cause.leak()),
                },
            },
            Ok(output) => {
                let ids = database.stable_ids::<S>();
                let rows = database.rows::<S>(&ids);
                let next = self.find(&rows).unwrap_or_else(|| {
                    let view = S::view(&database.tx, &ids);
                    self.store(rows, view, database.violated_invariant::<S>())
                });
                let after = self.stored_rows(next);
                Transition {
                    published: database.published(&ids, messages),
                    violation: S::forbidden(&before.view, &after.view).or(after.violated_invariant),
                    next,
                    output,
                }
            }
        };
        database.tx.execute_batch("ROLLBACK").unwrap();
        transition
    }
}
