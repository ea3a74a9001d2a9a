//! The row of the ioctl table that a request means. Numbers mean another call on another kind of object.

use std::collections::HashMap;
use std::sync::LazyLock;

use kvm_sys::op::{Fds, Op};

static ROWS: LazyLock<HashMap<(u8, u32), &'static Op>> = LazyLock::new(|| {
    let mut rows = HashMap::new();
    for op in kvm_sys::ALL {
        for kind in op.fds.iter() {
            rows.insert((kind.bits(), op.request()), *op);
        }
    }
    rows
});

/// The call that a request is on an object of this kind.
pub(crate) fn find(kind: Fds, request: u32) -> Option<&'static Op> {
    ROWS.get(&(kind.bits(), request)).copied()
}
