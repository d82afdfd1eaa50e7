//! What all namespaces of a server share.

use super::events::Events;
use super::extensions::Extensions;
use super::handler::Handler;
use super::io::Io;
use super::namespace::Namespace;
use crate::adapter::{Adapter, Memory, Recovery};
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

/// Dynamic namespaces that are kept though nobody is in them, if the options say so.
const MAX_KEPT: usize = 10_000;

/// The Socket.IO side of a server.
pub(crate) struct Core {
    pub(crate) options: Arc<Options>,
    pub(crate) host: Arc<Host>,
    /// What a client's packets may be.
    pub(super) limits: Arc<Limits>,
    pub(crate) state: Extensions,
    main: Arc<Namespace>,
    namespaces: RwLock<HashMap<Arc<str>, Arc<Namespace>>>,
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
        Self {
            options: Options::default(),
            state: Extensions::default(),
            main: None,
            namespaces: Vec::new(),
            dynamic: Vec::new(),
            make_adapter: Box::new(|_, options| Arc::new(Memory::with_recovery(options))),
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

    /// Forgets a dynamic namespace that nobody is in: peers choose their names.
    pub(crate) fn tidy(&self, namespace: &Arc<Namespace>) {
        if !namespace.is_dynamic() || namespace.adapter().count() > 0 {
            return;
        }
        if namespace.recovery().is_some_and(Recovery::keeps_sessions) {
            return self.tidy_later(namespace);
        }
        let mut namespaces = self.namespaces.write();
        if !self.options.cleanup_empty_child_namespaces && namespaces.len() <= MAX_KEPT {
            return;
        }
        // One reference here, one with the caller: nobody is about to join it.
        if namespace.adapter().count() == 0 && Arc::strong_count(namespace) <= 2 {
            namespaces.remove(namespace.name());
            drop(namespaces);
            namespace.adapter().close();
        }
    }

    /// All namespaces.
    pub(crate) fn namespaces(&self) -> Vec<Io> {
        self.namespaces.read().values().cloned().map(Io::new).collect()
    }

    /// [`Core::tidy`] once nobody of the namespace can come back any more.
    fn tidy_later(&self, namespace: &Arc<Namespace>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (core, namespace) = (self.this.clone(), Arc::downgrade(namespace));
        let time = namespace.upgrade().map_or(Duration::ZERO, |namespace| namespace.kept());
        runtime.spawn(async move {
            tokio::time::sleep(time).await;
            if let (Some(core), Some(namespace)) = (core.upgrade(), namespace.upgrade()) {
                core.tidy(&namespace);
            }
        });
    }

    pub(crate) fn add_closer(&self, closer: Box<Closer>) {
        self.closers.lock().push(closer);
    }

    /// Tells every engine to close (`now`), and counts the sessions that are left.
    pub(crate) fn close(&self, now: bool) -> usize {
        self.closers.lock().iter().map(|closer| closer(now)).sum()
    }
}
