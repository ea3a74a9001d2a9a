//! [`Write`]: a write of the guest's that the kernel may take.

use super::step::{Leaves, Step};

/// A write of the guest's to a port or to where there is no memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'a> {
    pub(crate) pio: bool,
    pub(crate) address: u64,
    /// From 1 to 8 bytes.
    pub(crate) data: &'a [u8],
}

impl Write<'_> {
    pub(crate) fn value(&self) -> u64 {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(self.data) {
            *to = *from;
        }
        u64::from_le_bytes(bytes)
    }
}

impl Step {
    /// The step's write, if it is a single one.
    pub(crate) fn write(&self) -> Option<Write<'_>> {
        let (pio, address, data) = match &self.leaves {
            Leaves::Io {
                out: true,
                port,
                width,
                data,
            } if matches!(data.len(), 1 | 2 | 4)
                && width.is_none_or(|width| usize::from(width) == data.len()) =>
            {
                (true, u64::from(*port), data)
            }
            Leaves::Mmio {
                write: true,
                addr,
                data,
            } if (1..=8).contains(&data.len()) => (false, *addr, data),
            _ => return None,
        };
        Some(Write { pio, address, data })
    }
}
