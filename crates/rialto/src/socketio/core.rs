//! What all namespaces of a server share.

use super::events::Events;
use super::extensions::Extensions;
use super::handler::Handler;
use super::io::Io;
use super::kept::Kept;
use super::namespace::Namespace;
use crate::adapter::{Adapter, Ledger, Memory, Recovery};
use crate::engine::Host;
use crate::handshake::Params;
use crate::options::Options;
use parking_lot::{Mutex, RwLock};
use rialto_protocol::socketio::Limits;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

type MakeAdapter = dyn Fn(&str, &Options) -> Arc<dyn Adapter> + Send + Sync;
/// Whether a name is of a dynamic namespace, and what is in it.
type Matches = dyn Fn(&str) -> Option<Params> + Send + Sync;
type NamespaceListener = dyn Fn(Io) + Send + Sync;

/// The names that `parse` can read.
pub(crate) fn by_parsing<P: Send + Sync + 'static>(
    parse: impl Fn(&str) -> Option<P> + Send + Sync + 'static,
) -> Box<Matches> {
    Box::new(move |name| parse(name).map(|params| Arc::new(params) as Params))
}

/// How many empty namespaces are tried when there are too many: the program may hold some.
const TRIES: usize = 8;
/// When a namespace is looked at again that was held as it became empty.
const LATER: Duration = Duration::from_secs(10);

/// The Socket.IO side of a server.
pub(crate) struct Core {
    pub(crate) options: Arc<Options>,
    pub(crate) host: Arc<Host>,
    /// What a client's packets may be.
    pub(super) limits: Arc<Limits>,
    pub(crate) state: Extensions,
    main: Arc<Namespace>,
    namespaces: RwLock<HashMap<Arc<str>, Arc<Namespace>>>,
    /// Those of them that nobody is in.
    pub(super) kept: Kept,
    dynamic: Vec<(Box<Matches>, Arc<dyn Handler>)>,
    make_adapter: Box<MakeAdapter>,
    on_namespace: Vec<Box<NamespaceListener>>,
    /// Ends of the engines, called by `Io::close`.
    closers: Mutex<Vec<Box<Closer>>>,
    this: Weak<Self>,
}

/// Tells an engine to close; answers how many sessions it still has.
pub(crate) type Closer = dyn Fn(bool) -> usize + Send + Sync;

/// What a server was configured with, before it runs.
pub(crate) struct Plan {
    pub(crate) options: Options,
    pub(crate) state: Extensions,
    /// Of the main namespace; without one, an empty table.
    pub(crate) main: Option<Arc<dyn Handler>>,
    pub(crate) namespaces: Vec<(Arc<str>, Arc<dyn Handler>)>,
    pub(crate) dynamic: Vec<(Box<Matches>, Arc<dyn Handler>)>,
    pub(crate) make_adapter: Box<MakeAdapter>,
    pub(crate) on_namespace: Vec<Box<NamespaceListener>>,
}

impl Default for Plan {
    fn default() -> Self {
        let ledger = Arc::<Ledger>::default();
        Self {
            options: Options::default(),
            state: Extensions::default(),
            main: None,
            namespaces: Vec::new(),
            dynamic: Vec::new(),
            make_adapter: Box::new(move |_, options| Arc::new(Memory::sharing(options, &ledger))),
            on_namespace: Vec::new(),
        }
    }
}

impl Plan {
    /// Sets the handler of a namespace.
    pub(crate) fn serve(&mut self, name: Arc<str>, handler: Arc<dyn Handler>) {
        let known = match &*name {
            "/" => self.main.replace(handler).is_some(),
            _ => match self.namespaces.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => {
                    *known = handler;
                    true
                }
                None => {
                    self.namespaces.push((Arc::clone(&name), handler));
                    false
                }
            },
        };
        if known {
            tracing::warn!(
                namespace = &*name,
                "this namespace was given two handlers: the last one serves it; put all its \
                 listeners into one table"
            );
        }
    }
}

impl Core {
    pub(crate) fn new(plan: Plan) -> Arc<Self> {
        Arc::new_cyclic(|core: &Weak<Self>| {
            let open = |name: &Arc<str>, handler: Arc<dyn Handler>| {
                let adapter = (plan.make_adapter)(name, &plan.options);
                let namespace = Namespace::new(Arc::clone(name), handler, adapter, core.clone());
                namespace.returning_by(&plan.options).begin()
            };
            let root: Arc<str> = "/".into();
            let main = open(&root, plan.main.unwrap_or_else(|| Arc::new(Events::new())));
            let named = plan.namespaces.into_iter().map(|(name, handler)| {
                let namespace = open(&name, handler);
                (name, namespace)
            });
            let mut namespaces: HashMap<_, _> = named.collect();
            namespaces.insert(root, Arc::clone(&main));
            let host = Host::new(plan.options);
            Self {
                limits: Arc::new(Limits {
                    max_bytes: host.options.max_payload,
                    max_attachments: host.options.max_attachments,
                    ..Limits::default()
                }),
                options: Arc::clone(&host.options),
                host,
                state: plan.state,
                main,
                namespaces: RwLock::new(namespaces),
                kept: Kept::default(),
                dynamic: plan.dynamic,
                make_adapter: plan.make_adapter,
                on_namespace: plan.on_namespace,
                closers: Mutex::default(),
                this: core.clone(),
            }
        })
    }

    /// The main namespace, `/`.
    pub(crate) fn main(&self) -> Io {
        Io::new(Arc::clone(&self.main))
    }

    /// The namespace of that name, made now if a dynamic one fits.
    pub(crate) fn namespace(self: &Arc<Self>, name: &str) -> Option<Arc<Namespace>> {
        if let Some(namespace) = self.existing(name) {
            if namespace.is_dynamic() {
                self.kept.take(&namespace);
            }
            return Some(namespace);
        }
        let mut dynamic = self.dynamic.iter();
        let (params, handler) = dynamic.find_map(|(of, handler)| Some((of(name)?, handler)))?;
        let name: Arc<str> = name.into();
        let mut new = false;
        let mut namespaces = self.namespaces.write();
        let namespace = namespaces.entry(Arc::clone(&name)).or_insert_with(|| {
            new = true;
            let adapter = (self.make_adapter)(&name, &self.options);
            let core = Arc::downgrade(self);
            let namespace = Namespace::new(name, Arc::clone(handler), adapter, core);
            namespace.dynamic(params).returning_by(&self.options).begin()
        });
        let namespace = Arc::clone(namespace);
        drop(namespaces);
        if new {
            self.on_namespace.iter().for_each(|tell| tell(Io::new(Arc::clone(&namespace))));
        }
        Some(namespace)
    }

    /// The namespace of that name, if it exists.
    pub(crate) fn existing(&self, name: &str) -> Option<Arc<Namespace>> {
        self.namespaces.read().get(name).cloned()
    }

    /// Forgets a dynamic namespace that nobody is in: peers choose their names. It is kept if the
    /// options say so, or as long as somebody may come back to it.
    pub(crate) fn tidy(&self, namespace: &Arc<Namespace>) {
        if !namespace.is_dynamic() || namespace.adapter().count() > 0 {
            return;
        }
        let wanted = !self.options.cleanup_empty_child_namespaces
            || namespace.recovery().is_some_and(Recovery::keeps_sessions);
        if wanted || !self.forget(namespace) {
            self.keep(namespace);
        }
    }

    /// Keeps an empty namespace. Of too many, the one that was empty first is forgotten, with all
    /// that is in it.
    fn keep(&self, namespace: &Arc<Namespace>) {
        self.kept.put(namespace);
        for _ in 0..TRIES {
            let Some(oldest) = self.kept.too_many() else { break };
            if oldest.adapter().count() == 0 && !self.forget(&oldest) {
                self.kept.put(&oldest);
            }
        }
        if self.options.cleanup_empty_child_namespaces {
            let recovery = self.options.connection_state_recovery.as_ref();
            let time = recovery.map_or(LATER, |it| it.max_disconnection_duration);
            self.kept.sweep(&self.this, time);
        }
    }

    /// Forgets an empty namespace; false if somebody is about to join it, or the program holds it.
    fn forget(&self, namespace: &Arc<Namespace>) -> bool {
        let mut namespaces = self.namespaces.write();
        // One reference here, one with the caller.
        if namespace.adapter().count() > 0 || Arc::strong_count(namespace) > 2 {
            return false;
        }
        let forgotten = namespaces.remove(namespace.name());
        drop(namespaces);
        drop(forgotten);
        self.kept.take(namespace);
        namespace.adapter().close();
        true
    }

    /// All namespaces.
    pub(crate) fn namespaces(&self) -> Vec<Io> {
        self.namespaces.read().values().cloned().map(Io::new).collect()
    }

    pub(crate) fn add_closer(&self, closer: Box<Closer>) {
        self.closers.lock().push(closer);
    }

    /// Tells every engine to close (`now`), and counts the sessions that are left.
    pub(crate) fn close(&self, now: bool) -> usize {
        self.closers.lock().iter().map(|closer| closer(now)).sum()
    }
}
