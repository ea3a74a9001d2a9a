//! [`Raw`]: calls that the typed layer would not make, for the rules of what answers it.
#![expect(unsafe_code, reason = "makes calls of the backend itself")]

use std::ptr::NonNull;

use kvm_core::kvm_sys::op::{Count, Field, Flex, Op, Takes};
use kvm_core::kvm_sys::{KVM_SET_USER_MEMORY_REGION, MemFlags, kvm_userspace_memory_region};
use kvm_core::{Arg, Backing, Errno, Hypervisor, Memory};
use zerocopy::IntoBytes;

/// An object of a backend, and the memory that was ever given to it.
pub(crate) struct Raw<H> {
    object: H,
    memory: Vec<Memory>,
}

impl<H: Hypervisor> Raw<H> {
    pub(crate) fn new(object: H) -> Self {
        Self {
            object,
            memory: Vec::new(),
        }
    }

    /// Makes a call that takes nothing or an integer.
    pub(crate) fn value(&self, op: &'static Op, value: u64) -> Result<u32, Errno> {
        assert!(matches!(op.takes, Takes::Nothing | Takes::Value));
        // SAFETY: the row takes no pointer, so any number is a valid argument.
        unsafe { self.object.ioctl(op, &mut Arg::Value(value)) }
    }

    /// Makes a call that takes an integer and gives a new object.
    pub(crate) fn create(&self, op: &'static Op, value: u64) -> Result<Self, Errno> {
        assert!(matches!(op.takes, Takes::Nothing | Takes::Value));
        // SAFETY: as in `value`.
        unsafe { self.object.create(op, &mut Arg::Value(value)) }.map(Self::new)
    }

    /// Makes a call on these bytes, which are its structure, and as many elements as that says there are.
    pub(crate) fn bytes(&self, op: &'static Op, bytes: &mut [u8]) -> Result<u32, Errno> {
        assert!(enough(op, bytes));
        // SAFETY: the row has neither pointers nor fields of this process, and the bytes are all it reads
        // or writes: `enough` compared them.
        unsafe { self.object.ioctl(op, &mut Arg::Mut(bytes)) }
    }

    /// `KVM_SET_USER_MEMORY_REGION` with the memory's own address and size, or others for the size.
    pub(crate) fn region(
        &mut self,
        slot: u32,
        flags: MemFlags,
        address: u64,
        memory: &Memory,
        size: u64,
    ) -> Result<(), Errno> {
        assert!(size <= memory.len() as u64);
        self.memory.push(memory.clone());
        let region = kvm_userspace_memory_region {
            slot,
            flags,
            guest_phys_addr: address,
            memory_size: size,
            userspace_addr: memory.host_address(),
        };
        let op = &KVM_SET_USER_MEMORY_REGION;
        // SAFETY: the argument is the row's structure. The host addresses are a `Memory`'s, whose bytes no
        // reference covers, and which is kept as long as the VM's object: vCPUs made from it are not
        // entered, and have no way to the memory else.
        unsafe { self.object.ioctl(op, &mut Arg::In(region.as_bytes())) }.map(|_| ())
    }
}

/// Memory of which there is none.
pub(crate) struct NoMemory;

// SAFETY: there are no bytes.
unsafe impl Backing for NoMemory {
    fn start(&self) -> NonNull<u8> {
        NonNull::<u64>::dangling().cast()
    }

    fn len(&self) -> usize {
        0
    }
}

/// Whether the bytes hold what the row takes.
pub(crate) fn enough(op: &Op, bytes: &[u8]) -> bool {
    let Takes::Struct {
        size,
        flex,
        inner: [],
        opaque: [],
        ..
    } = op.takes
    else {
        return false;
    };
    let elements = |Flex { element, count }| {
        let Count::Elements(Field { offset, len: 4 }) = count else {
            return None;
        };
        let count = bytes.get(offset as usize..)?.first_chunk()?;
        let count = u32::from_ne_bytes(*count) as usize;
        count.checked_mul(element as usize)
    };
    flex.map_or(Some(0), elements)
        .and_then(|elements| elements.checked_add(size as usize))
        .is_some_and(|needed| needed <= bytes.len())
}
