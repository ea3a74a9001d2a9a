//! [`Write`]: a write of the guest's that the kernel may take.

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
