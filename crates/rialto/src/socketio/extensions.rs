//! Values found by their type: a server's state, a socket's data.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// A value of any type.
type Stored = Arc<dyn Any + Send + Sync>;

/// At most one value of each type. Empty, it is one word: most sockets hold none.
#[derive(Clone, Default)]
#[allow(clippy::box_collection, reason = "an idle socket pays for this field")]
pub(crate) struct Extensions(Option<Box<HashMap<TypeId, Stored>>>);

impl Extensions {
    /// Stores a value; gives back an earlier one of its type. Dropping that may run code of the
    /// program, for which nothing may be locked.
    #[must_use]
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> Option<Stored> {
        self.0.get_or_insert_default().insert(TypeId::of::<T>(), Arc::new(value))
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.0.as_ref()?.get(&TypeId::of::<T>())?;
        Arc::clone(value).downcast().ok()
    }

    pub(crate) fn remove<T: Send + Sync + 'static>(&mut self) -> Option<Arc<T>> {
        self.0.as_mut()?.remove(&TypeId::of::<T>())?.downcast().ok()
    }
}
