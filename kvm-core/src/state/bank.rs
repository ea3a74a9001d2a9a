//! [`Bank`]: state that one call gets and another sets.

use kvm_sys::op::Op;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{SavedState, Writer};
use crate::typed::{Get, Set};
use crate::{Error, Hypervisor};

/// State that one call gets and another sets, and that is all there is to it.
pub(crate) struct Bank<T> {
    op: &'static Op,
    get: Get<T>,
    set: Set<T>,
}

impl<T: FromBytes + IntoBytes + Immutable> Bank<T> {
    pub(crate) const fn new(get: &'static Op, set: &'static Op) -> Self {
        Self {
            op: get,
            get: Get::new(get),
            set: Set::new(set),
        }
    }

    /// Saves it, where there is such a thing.
    pub(crate) fn save<H: Hypervisor>(
        &self,
        on: &H,
        exists: bool,
        to: &mut Writer,
    ) -> Result<(), Error> {
        if exists {
            to.put(self.op, &self.get.call(on)?)
        } else {
            to.absent(self.op);
            Ok(())
        }
    }

    /// Restores it, if it was saved. Gives what it restored.
    pub(crate) fn restore<H: Hypervisor>(
        &self,
        on: &H,
        from: &SavedState,
    ) -> Result<Option<T>, Error> {
        let value = from.get(self.op)?;
        if let Some(value) = &value {
            self.set.call(on, value)?;
        }
        Ok(value)
    }
}
