//! [`Op`]: guests that do the same on every architecture, as machine code and as a script of the model.

use kvm_mock::{Model, Step};

use super::machine::Machine;

/// One thing that a guest does. Bytes are 1, 2, 4 or 8.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Writes to memory.
    Poke(u64, &'static [u8]),
    /// Reads memory, and finds these bytes there.
    Peek(u64, &'static [u8]),
    /// Writes what it read last to memory.
    Keep(u64),
    /// Writes where there is no memory.
    Write(u64, &'static [u8]),
    /// The same, and it is the kernel that takes it.
    Notify(u64, &'static [u8]),
    /// Reads where there is no memory, and is given these bytes.
    Read(u64, &'static [u8]),
    /// Writes what it read last where there is no memory.
    Tell(u64),
    /// Runs for ever.
    Spin,
}

/// Where each guest writes a byte when it is done. It runs for ever then.
pub(crate) const DONE: u64 = 0x1000_0ff0;

const END: [Op; 2] = [Op::Write(DONE, &[0]), Op::Spin];

/// What the guest's processor runs.
pub(crate) fn code<G: Machine>(program: &[Op]) -> Vec<u8> {
    let mut code = Vec::new();
    let mut read = 0;
    for op in program.iter().chain(&END) {
        match *op {
            Op::Poke(to, bytes) | Op::Write(to, bytes) | Op::Notify(to, bytes) => {
                G::address(&mut code, to);
                G::value(&mut code, number(bytes));
                G::store(&mut code, bytes.len());
            }
            Op::Peek(from, bytes) | Op::Read(from, bytes) => {
                read = bytes.len();
                G::address(&mut code, from);
                G::load(&mut code, read);
            }
            Op::Keep(to) | Op::Tell(to) => {
                G::address(&mut code, to);
                G::store(&mut code, read);
            }
            Op::Spin => G::spin(&mut code),
        }
    }
    code
}

/// The number that is these bytes in memory: all architectures here are little-endian.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Makes vCPU 0 of the model do the same.
pub(crate) fn play<G: Machine>(model: &Model<G>, program: &[Op]) {
    model.script(0, steps(program));
}

/// The same as steps of the model, without the loop at the end.
pub(crate) fn steps<G: Machine>(program: &[Op]) -> Vec<Step<G>> {
    let mut steps = Vec::new();
    let (mut writes, mut finds) = (Vec::new(), Vec::new());
    let mut read: &[u8] = &[];
    for op in program.iter().chain(END.first()) {
        let step = match *op {
            Op::Poke(to, bytes) => {
                writes.push((to, bytes));
                continue;
            }
            Op::Peek(from, bytes) => {
                finds.push((from, bytes));
                read = bytes;
                continue;
            }
            Op::Keep(to) => {
                writes.push((to, read));
                continue;
            }
            Op::Write(to, bytes) => Step::mmio_write(to, bytes),
            Op::Notify(to, bytes) => Step::mmio_write(to, bytes).in_kernel(),
            Op::Read(from, bytes) => {
                read = bytes;
                Step::mmio_read(from, bytes)
            }
            Op::Tell(to) => Step::mmio_write(to, read),
            Op::Spin => Step::block(),
        };
        let step = writes
            .drain(..)
            .fold(step, |step, (to, bytes)| step.writes_memory(to, bytes));
        steps.push(
            finds
                .drain(..)
                .fold(step, |step, (at, bytes)| step.finds_memory(at, bytes)),
        );
    }
    steps
}
