//! [`Frame`]: the argument of a call, copied in from the program's memory and out again by its row.

use kvm_core::{Arg, Errno, Hypervisor, Part, PartBytes};
use kvm_sys::op::{Count, Dir, Field, Flex, Inner, Length, Op, Returns, Takes};
use kvm_sys::{KVM_GET_MSRS, KVM_PRE_FAULT_MEMORY, KVM_REG_SIZE};

use crate::attributes;
use crate::calls;
use crate::object::{Kind, Object, lock};
use crate::table::{self, File};
use crate::user;

/// Elements of an array that are copied at most. No call takes so many, but for bits: KVM refuses the count.
const MOST_ELEMENTS: u64 = 1 << 16;
/// Bytes that are copied at most: a bit for each page of a slot of 8 TiB.
const MOST_BYTES: u64 = 1 << 28;

/// The argument of a call that takes a structure.
pub(crate) struct Frame {
    op: &'static Op,
    address: u64,
    dir: Dir,
    pub(crate) head: Vec<u8>,
    /// As the program has it.
    given: Vec<u8>,
    behind: Vec<Behind>,
}

/// What a pointer in the structure leads to.
struct Behind {
    offset: usize,
    address: u64,
    dir: Dir,
    /// A call that succeeds writes all of it.
    filled: bool,
    opaque: bool,
    bytes: Vec<u8>,
    given: Vec<u8>,
}

impl Frame {
    /// Copies the argument in. Gives nothing when the call takes no structure.
    pub(crate) fn copy_in(
        object: &Object,
        op: &'static Op,
        address: u64,
    ) -> Result<Option<Self>, Errno> {
        let Takes::Struct {
            size,
            dir,
            flex,
            inner,
            opaque,
            ..
        } = op.takes
        else {
            return Ok(None);
        };
        let mut head = vec![0; size as usize];
        // Some calls read what they only write: as their numbers say.
        let claims_to_read = op.request() >> 30 & 1 != 0;
        if dir != Dir::Out || !inner.is_empty() || claims_to_read {
            user::read(address, &mut head)?;
        }
        if let Some(flex) = flex {
            let fixed = head.len();
            let refused = is_refused(op, &flex, &head);
            let count = array_len(object, &flex, &mut head)?;
            head.resize(fixed.max(count), 0);
            let start = address.checked_add(u64::from(size)).ok_or(Errno::EFAULT)?;
            let array = head.get_mut(fixed..).unwrap_or_default();
            match dir {
                // The kernel takes more than the structure's own size only if the program asked for large state.
                Dir::In if matches!(flex.count, Count::Capability(_)) => {
                    user::read_some(start, array);
                }
                Dir::In if refused => {}
                Dir::In => user::read(start, array)?,
                // Of room that the call does not fill, the kernel does not care whether it is there.
                Dir::InOut => {
                    user::read_some(start, array);
                }
                Dir::Out => {}
            }
        }
        let given = head.clone();
        let mut behind = Vec::new();
        for inner in inner {
            if let Some(found) = Behind::copy_in(object, inner, &head)? {
                behind.push(found);
            }
        }
        for field in opaque {
            translate(field, &mut head);
        }
        Ok(Some(Self {
            op,
            address,
            dir,
            head,
            given,
            behind,
        }))
    }

    /// Gives it to the call.
    pub(crate) fn with<R>(&mut self, call: impl FnOnce(&mut Arg<'_>) -> R) -> R {
        let Takes::Struct { inner, .. } = self.op.takes else {
            return call(&mut Arg::None);
        };
        if !inner.is_empty() {
            let parts = self.behind.iter_mut().map(|behind| Part {
                offset: behind.offset,
                bytes: match (behind.dir, behind.opaque) {
                    (Dir::In, true) => PartBytes::Opaque(&behind.bytes),
                    (Dir::In, false) => PartBytes::In(&behind.bytes),
                    (Dir::Out | Dir::InOut, _) => PartBytes::Mut(&mut behind.bytes),
                },
            });
            let mut parts: Vec<Part<'_>> = parts.collect();
            return call(&mut Arg::Parts {
                head: &mut self.head,
                parts: &mut parts,
            });
        }
        match self.dir {
            Dir::In => call(&mut Arg::In(&self.head)),
            Dir::Out | Dir::InOut => call(&mut Arg::Mut(&mut self.head)),
        }
    }

    /// How many bytes of the structure the kernel writes, changed or not.
    fn written(&self, succeeded: bool) -> usize {
        match self.dir {
            Dir::Out if succeeded => self.head.len(),
            // Only what is behind the structure.
            Dir::InOut if *self.op == KVM_GET_MSRS => 0,
            Dir::InOut if succeeded || *self.op == KVM_PRE_FAULT_MEMORY => self.op.size(),
            _ => 0,
        }
    }

    /// Copies out what the call left.
    pub(crate) fn copy_out(mut self, succeeded: bool) -> Result<(), Errno> {
        for behind in &self.behind {
            if behind.dir != Dir::In {
                let filled = succeeded && behind.filled;
                let least = if filled { behind.bytes.len() } else { 0 };
                write_back(behind.address, &behind.bytes, &behind.given, least)?;
            }
        }
        if self.dir != Dir::In {
            // What this library put into the structure is not for the program, but for the descriptor that it made.
            let made = match self.op.returns {
                Returns::DescriptorAt(offset) if succeeded => Some(offset),
                _ => None,
            };
            for field in self
                .op
                .opaque()
                .iter()
                .filter(|field| Some(field.offset) != made)
            {
                let range = field.offset as usize..(field.offset + field.len) as usize;
                if let (Some(to), Some(from)) =
                    (self.head.get_mut(range.clone()), self.given.get(range))
                {
                    to.copy_from_slice(from);
                }
            }
            let least = self.written(succeeded);
            write_back(self.address, &self.head, &self.given, least)?;
        }
        Ok(())
    }
}

/// Writes back so many bytes at least, and others up to the last that changed.
fn write_back(address: u64, bytes: &[u8], given: &[u8], least: usize) -> Result<(), Errno> {
    let differs = |(now, before): (&u8, &u8)| now != before;
    let changed = bytes.iter().zip(given).rposition(differs);
    let len = changed.map_or(0, |last| last + 1).max(least);
    user::write(address, bytes.get(..len).unwrap_or_default())
}

impl Behind {
    fn copy_in(object: &Object, inner: &Inner, head: &[u8]) -> Result<Option<Self>, Errno> {
        let address = number(
            head,
            Field {
                offset: inner.offset,
                len: 8,
            },
        );
        let (len, opaque) = behind_len(object, inner.len, head)?;
        let offset = inner.offset as usize;
        // Ranges of no MSRs have no bitmap.
        if len == 0 && matches!(inner.len, Length::Bits(_)) {
            return Ok(None);
        }
        let mut bytes = vec![0; len];
        match (inner.dir, inner.len) {
            (Dir::In, Length::Attribute | Length::Register(_)) => {
                if user::read(address, &mut bytes).is_err() {
                    return Err(calls::refusal_of_value(object, inner.len, head));
                }
            }
            (Dir::InOut, _) | (Dir::Out, Length::Attribute) => {
                user::read_some(address, &mut bytes);
            }
            (Dir::In, _) => user::read(address, &mut bytes)?,
            (Dir::Out, _) => {}
        }
        if opaque {
            translate(&Field { offset: 0, len: 4 }, &mut bytes);
        }
        Ok(Some(Self {
            offset,
            address,
            // What is left of an attribute that is shorter goes back as it came.
            dir: match (inner.dir, inner.len) {
                (Dir::Out, Length::Attribute) => Dir::InOut,
                (dir, _) => dir,
            },
            filled: inner.dir == Dir::Out,
            opaque,
            given: bytes.clone(),
            bytes,
        }))
    }
}

/// Whether the kernel refuses the count, before it looks whether the array is there.
fn is_refused(op: &Op, flex: &Flex, head: &[u8]) -> bool {
    let Count::Elements(field) = flex.count else {
        return false;
    };
    let count = number(head, field);
    match op.name {
        // The size of a set.
        "KVM_SET_SIGNAL_MASK" => count != 8,
        "KVM_SET_CPUID" | "KVM_SET_CPUID2" => count > 256,
        "KVM_SET_MSRS" => count >= 256,
        "KVM_SET_PMU_EVENT_FILTER" => count > 300,
        "KVM_SET_GSI_ROUTING" => count > 4096,
        _ => count > MOST_ELEMENTS,
    }
}

/// Bytes of the structure with the array behind it. A count that no call takes is made smaller in `head`, so that it
/// promises no more than there is; KVM refuses it all the same.
fn array_len(object: &Object, flex: &Flex, head: &mut [u8]) -> Result<usize, Errno> {
    let fixed = head.len() as u64;
    let bytes = match flex.count {
        Count::Elements(field) => {
            let count = number(head, field);
            if count > MOST_ELEMENTS {
                set_number(head, field, MOST_ELEMENTS);
            }
            fixed + count.min(MOST_ELEMENTS) * u64::from(flex.element)
        }
        Count::AllBytes(field) => {
            let bytes = number(head, field);
            if bytes > MOST_ELEMENTS {
                set_number(head, field, MOST_ELEMENTS);
            }
            bytes.min(MOST_ELEMENTS)
        }
        Count::Capability(_) => u64::from(calls::xsave_size(object)),
    };
    usize::try_from(bytes).map_err(|_| Errno::EINVAL)
}

/// How many bytes a pointer leads to, and whether they mean something in this process only.
fn behind_len(object: &Object, len: Length, head: &[u8]) -> Result<(usize, bool), Errno> {
    let mut opaque = false;
    let bytes = match len {
        Length::Fixed(bytes) => u64::from(bytes),
        Length::Bytes(field) => number(head, field),
        Length::Bits(field) => number(head, field).div_ceil(64).saturating_mul(8),
        Length::Tags(field) => number(head, field).div_ceil(16),
        Length::Register(field) => KVM_REG_SIZE(number(head, field)),
        Length::Slot(field) => {
            let slot = u32::try_from(number(head, field)).unwrap_or(u32::MAX);
            let size = lock(&object.vm.slots).get(&slot).copied().unwrap_or(0);
            let pages = size / u64::from(object.system.page_size.max(1));
            pages.div_ceil(64).saturating_mul(8)
        }
        Length::Attribute => {
            let group = u32::try_from(number(head, Field { offset: 4, len: 4 })).unwrap_or(0);
            let attr = number(head, Field { offset: 8, len: 8 });
            opaque = attributes::is_descriptor(object.kind);
            attributes::len(object.kind, group, attr) as u64
        }
        // Commands that have addresses of their own inside: `calls` does not come here with them.
        Length::Command | Length::Tlb => return Err(Errno::ENOTTY),
    };
    if bytes > MOST_BYTES {
        // The kernel has smaller limits.
        return Err(Errno::EINVAL);
    }
    Ok((usize::try_from(bytes).map_err(|_| Errno::EINVAL)?, opaque))
}

/// The field of up to eight bytes; 0 if there is none.
fn number(bytes: &[u8], field: Field) -> u64 {
    let start = field.offset as usize;
    let field = bytes
        .get(start..start + field.len as usize)
        .unwrap_or_default();
    let mut number = [0; 8];
    for (to, from) in number.iter_mut().zip(field) {
        *to = *from;
    }
    // The architectures that there is a model of are little-endian.
    u64::from_le_bytes(number)
}

fn set_number(bytes: &mut [u8], field: Field, number: u64) {
    let start = field.offset as usize;
    let field = bytes
        .get_mut(start..start + field.len as usize)
        .unwrap_or_default();
    for (to, from) in field.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
}

/// Puts the backend's number in the place of a descriptor of one of its objects.
fn translate(field: &Field, bytes: &mut [u8]) {
    if field.len != 4 {
        return;
    }
    let Ok(fd) = i32::try_from(number(bytes, *field)) else {
        return;
    };
    if let Some(File::Object(object)) = table::find_any(fd) {
        if object.kind != Kind::System {
            if let Ok(number) = u64::try_from(object.backend().number()) {
                set_number(bytes, *field, number);
            }
        }
    }
}
