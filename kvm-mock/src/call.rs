//! [`Given`]: what a call was given, without what means something in one process only, or nothing at all.

use kvm_core::{Arg, Errno, Part, PartBytes};
use kvm_sys::op::{Dir, Op, Takes};

use crate::format::{Buffer, Call, Shape};
use crate::ignored;

/// A call's argument before the call.
#[derive(Debug)]
pub(crate) struct Given {
    shape: Shape,
    value: u64,
    buffers: Vec<Bytes>,
}

/// Bytes of an argument, or behind a pointer in it.
#[derive(Debug)]
struct Bytes {
    /// Offset of the pointer, in the head; 0 for the head itself.
    offset: u32,
    dir: Dir,
    bytes: Vec<u8>,
}

impl Given {
    pub(crate) fn new(op: &Op, arg: &Arg<'_>) -> Self {
        let (shape, value) = match arg {
            Arg::None => (Shape::None, 0),
            Arg::Value(value) => (Shape::Value, *value),
            Arg::In(_) => (Shape::In, 0),
            Arg::Mut(_) => (Shape::Mut, 0),
            Arg::Parts { .. } => (Shape::Parts, 0),
        };
        let mut buffers = Vec::new();
        if let Some((bytes, writable)) = head(arg) {
            let mut bytes = bytes.to_vec();
            mask(op, &mut bytes);
            buffers.push(Bytes {
                offset: 0,
                dir: if writable { dir(op) } else { Dir::In },
                bytes,
            });
        }
        for Part { offset, bytes } in parts(arg) {
            let (bytes, writable) = part(bytes);
            let offset = u32::try_from(*offset).unwrap_or(u32::MAX);
            buffers.push(Bytes {
                offset,
                dir: if writable {
                    part_dir(op, offset)
                } else {
                    Dir::In
                },
                bytes,
            });
        }
        Self {
            shape,
            value,
            buffers,
        }
    }

    /// As a recording has it, without an answer.
    pub(crate) fn call(&self) -> Call<'_> {
        let buffers = self.buffers.iter().map(|given| Buffer {
            offset: given.offset,
            len: given.bytes.len(),
            input: (given.dir != Dir::Out).then_some(&given.bytes[..]),
            output: None,
        });
        Call {
            op: 0,
            errno: 0,
            shape: self.shape,
            returned: 0,
            value: self.value,
            buffers: buffers.collect(),
        }
    }

    /// What the call left in `arg`, for each buffer: nothing where it changed nothing.
    pub(crate) fn outputs(&self, op: &Op, arg: &Arg<'_>, succeeded: bool) -> Vec<Option<Vec<u8>>> {
        let head = head(arg).map(|(bytes, _)| {
            let mut bytes = bytes.to_vec();
            mask(op, &mut bytes);
            bytes
        });
        let after = parts(arg).iter().map(|part_| part(&part_.bytes).0);
        self.buffers
            .iter()
            .zip(head.into_iter().chain(after))
            .map(|(before, after)| {
                // What was in the bytes that a call only writes is not in the recording, so what is in
                // them afterwards has to be, changed or not.
                let needed = before.dir == Dir::Out && succeeded;
                (needed || before.bytes != after).then_some(after)
            })
            .collect()
    }
}

/// Whether a call is the recorded one, as far as what it was given goes.
pub(crate) fn same(op: &Op, recorded: &Call<'_>, given: &Call<'_>) -> bool {
    recorded.value == given.value
        && recorded.buffers.len() == given.buffers.len()
        && recorded
            .buffers
            .iter()
            .zip(&given.buffers)
            .all(|(recorded, given)| {
                (recorded.offset, recorded.len) == (given.offset, given.len)
                    && (recorded.input == given.input
                        || recorded.offset == 0 && same_head(op, recorded.input, given.input))
            })
}

/// Whether the argument's own bytes are the same where it matters: older recordings have what is ignored as it was.
fn same_head(op: &Op, recorded: Option<&[u8]>, given: Option<&[u8]>) -> bool {
    let cleared = |head: &[u8]| {
        let mut head = head.to_vec();
        ignored::clear(op, &mut head);
        head
    };
    recorded.map(cleared) == given.map(cleared)
}

/// Leaves in `arg` what the recorded call left there, and gives what it returned.
///
/// Fields that mean something in one process only keep what they hold.
pub(crate) fn answer(op: &Op, recorded: &Call<'_>, arg: &mut Arg<'_>) -> Result<u32, Errno> {
    let mut outputs = recorded.buffers.iter().map(|buffer| buffer.output);
    match arg {
        Arg::None | Arg::Value(_) | Arg::In(_) => {}
        Arg::Mut(head) => leave(op, head, outputs.next().flatten()),
        Arg::Parts { head, parts } => {
            leave(op, head, outputs.next().flatten());
            for (part, output) in parts.iter_mut().zip(outputs) {
                if let (PartBytes::Mut(bytes), Some(output)) = (&mut part.bytes, output) {
                    copy(bytes, output);
                }
            }
        }
    }
    match recorded.errno {
        0 => Ok(recorded.returned),
        errno => Err(Errno(errno)),
    }
}

fn leave(op: &Op, head: &mut [u8], output: Option<&[u8]>) {
    let Some(output) = output else {
        return;
    };
    let kept: Vec<(usize, Vec<u8>)> = opaque(op)
        .filter_map(|(start, len)| Some((start, head.get(start..start + len)?.to_vec())))
        .collect();
    copy(head, output);
    for (start, bytes) in kept {
        copy(head.get_mut(start..).unwrap_or_default(), &bytes);
    }
}

fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The argument's own bytes, and whether the call may write them.
pub(crate) fn head<'a>(arg: &'a Arg<'_>) -> Option<(&'a [u8], bool)> {
    match arg {
        Arg::None | Arg::Value(_) => None,
        Arg::In(bytes) => Some((bytes, false)),
        Arg::Mut(bytes) => Some((bytes, true)),
        Arg::Parts { head, .. } => Some((head, true)),
    }
}

fn parts<'a, 'b>(arg: &'a Arg<'b>) -> &'a [Part<'b>] {
    match arg {
        Arg::Parts { parts, .. } => parts,
        _ => &[],
    }
}

/// The bytes behind a pointer, zero where they mean something in one process only, and whether the call may write
/// them.
fn part(bytes: &PartBytes<'_>) -> (Vec<u8>, bool) {
    match bytes {
        PartBytes::In(bytes) => (bytes.to_vec(), false),
        PartBytes::Opaque(bytes) => (vec![0; bytes.len()], false),
        PartBytes::Mut(bytes) => (bytes.to_vec(), true),
    }
}

fn dir(op: &Op) -> Dir {
    op.dir().unwrap_or(Dir::InOut)
}

fn part_dir(op: &Op, offset: u32) -> Dir {
    let Takes::Struct { inner, .. } = op.takes else {
        return Dir::InOut;
    };
    let inner = inner.iter().find(|inner| inner.offset == offset);
    inner.map_or(Dir::InOut, |inner| inner.dir)
}

/// Offset and length of the fields that mean something in one process only.
fn opaque(op: &Op) -> impl Iterator<Item = (usize, usize)> {
    op.opaque()
        .iter()
        .map(|field| (field.offset as usize, field.len as usize))
}

fn mask(op: &Op, head: &mut [u8]) {
    for (start, len) in opaque(op) {
        if let Some(field) = head.get_mut(start..start + len) {
            field.fill(0);
        }
    }
    ignored::clear(op, head);
}

#[cfg(test)]
mod tests {
    use kvm_sys::x86_64::{KVM_SET_SREGS, kvm_segment, kvm_sregs};
    use zerocopy::IntoBytes;

    use super::*;

    #[test]
    fn padding_is_neither_recorded_nor_compared_with_that_of_older_recordings() {
        let sregs = |padding, selector| kvm_sregs {
            ss: kvm_segment {
                selector,
                padding,
                ..Default::default()
            },
            ..Default::default()
        };
        let given = |sregs: &kvm_sregs| Given::new(&KVM_SET_SREGS, &Arg::In(sregs.as_bytes()));
        let now = given(&sregs(1, 8));
        assert_eq!(now.call().buffers[0].input, Some(sregs(0, 8).as_bytes()));
        for (older, is_same) in [(sregs(2, 8), true), (sregs(1, 16), false)] {
            let mut recorded = now.call();
            recorded.buffers[0].input = Some(older.as_bytes());
            assert_eq!(same(&KVM_SET_SREGS, &recorded, &now.call()), is_same);
        }
    }
}
