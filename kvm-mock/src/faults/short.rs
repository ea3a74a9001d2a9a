//! Calls on lists that do a part of their work.
#![expect(unsafe_code, reason = "passes calls on")]

use kvm_core::{Arg, Errno, Hypervisor};
use kvm_sys::op::{Count, Field, Flex, Op, Takes};

/// Makes the call on the first `most` elements of its list.
///
/// # Safety
///
/// As [`Hypervisor::ioctl`].
pub(super) unsafe fn call<H: Hypervisor>(
    inner: &H,
    op: &'static Op,
    arg: &mut Arg<'_>,
    most: u32,
) -> Result<u32, Errno> {
    let Some(field) = count(op) else {
        // SAFETY: the caller's promises, passed on.
        return unsafe { inner.ioctl(op, arg) };
    };
    match arg {
        Arg::In(list) => {
            let mut list = list.to_vec();
            lower(&mut list, field, most);
            // SAFETY: the caller's promises hold of a copy, and of fewer elements.
            unsafe { inner.ioctl(op, &mut Arg::In(&list)) }
        }
        Arg::Mut(list) => {
            let counted = lower(list, field, most);
            // SAFETY: the caller's promises hold of fewer elements.
            let result = unsafe { inner.ioctl(op, &mut Arg::Mut(list)) };
            // The kernel leaves the count as it is.
            if let (Some(field), Some(counted)) = (bytes(list, field), counted) {
                *field = counted;
            }
            result
        }
        // SAFETY: the caller's promises, passed on.
        _ => unsafe { inner.ioctl(op, arg) },
    }
}

/// The field that counts the elements.
fn count(op: &Op) -> Option<Field> {
    match op.takes {
        Takes::Struct {
            flex:
                Some(Flex {
                    count: Count::Elements(field),
                    ..
                }),
            ..
        } => Some(field),
        _ => None,
    }
}

/// Makes a count no larger than `most`; gives what it was.
fn lower(list: &mut [u8], field: Field, most: u32) -> Option<[u8; 4]> {
    let count = bytes(list, field)?;
    let before = *count;
    *count = u32::from_ne_bytes(before).min(most).to_ne_bytes();
    Some(before)
}

fn bytes(list: &mut [u8], field: Field) -> Option<&mut [u8; 4]> {
    list.get_mut(field.offset as usize..)?.first_chunk_mut()
}
