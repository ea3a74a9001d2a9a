//! [`Failure`]: where a run left its script, and how.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use kvm_core::kvm_sys::op::Op;
use kvm_exit::{Malformed, Unencodable};

use crate::model::profile::Number;

/// Where a run left its script, and how. Given by [`Model::outcome`](crate::Model::outcome) and
/// [`Model::verify`](crate::Model::verify).
///
/// ```
/// use kvm_core::Kvm;
/// use kvm_mock::{Mismatch, Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::hlt(), Step::io_in(0x60, [0x1c])]);
/// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
/// vcpu.run()?;
/// vcpu.run()?; // the VMM does not answer
/// assert!(vcpu.run().is_err());
///
/// let failure = model.outcome().unwrap_err();
/// assert_eq!((failure.vcpu(), failure.step()), (0, 1));
/// assert_eq!(*failure.mismatch(), Mismatch::NoReply { expected: vec![0x1c] });
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    pub(crate) vcpu: u64,
    pub(crate) step: usize,
    pub(crate) place: &'static Location<'static>,
    pub(crate) text: String,
    pub(crate) mismatch: Mismatch,
}

/// How a run left its script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The VMM answered an exit with other bytes.
    Reply {
        /// What the step says.
        expected: Vec<u8>,
        /// What the VMM left in the page.
        given: Vec<u8>,
    },
    /// The VMM left the data of an exit as they were.
    NoReply {
        /// What the step says.
        expected: Vec<u8>,
    },
    /// The check of [`Step::answered`](crate::Step::answered) does not hold.
    Refused,
    /// The VMM made the page of an exit that asks for an answer one that can't be decoded.
    Malformed(Malformed),
    /// The vCPU was not entered again after an exit that asks for an answer.
    Unanswered,
    /// The guest's memory is not as the step says.
    Memory {
        /// Guest-physical address of the first byte.
        address: u64,
        /// What the step says.
        expected: Vec<u8>,
        /// What is there.
        found: Vec<u8>,
    },
    /// A register is not as the step says.
    Register {
        /// Its id.
        id: u64,
        /// What the step says.
        expected: Vec<u8>,
        /// What it holds, if there is one.
        found: Option<Vec<u8>>,
    },
    /// A model-specific register is not as the step says.
    Msr {
        /// Its index.
        index: u32,
        /// What the step says.
        expected: u64,
        /// What it holds, if there is one.
        found: Option<u64>,
    },
    /// The check of [`Step::finds_state`](crate::Step::finds_state) does not hold.
    State {
        /// The call that gets the state.
        op: &'static Op,
    },
    /// The VMM read registers while the guest's access was not complete: those of before it.
    /// [`PendingIo::Strict`](crate::PendingIo) says so.
    Stale {
        /// The call that read them.
        op: &'static Op,
    },
    /// The VMM set registers while the guest's access was not complete, which loses the reply. All
    /// [`PendingIo`](crate::PendingIo) but the kernel's says so.
    SetTooEarly {
        /// The call that set them.
        op: &'static Op,
    },
    /// The step needs memory where the guest has none, or none that it may write to.
    NoMemory {
        /// Guest-physical address of the first byte.
        address: u64,
        /// How many bytes.
        len: usize,
    },
    /// The step writes to more pages than the vCPU's dirty ring has room for.
    DirtyRing,
    /// The kernel was to take the step's write, but nothing is registered that it is for.
    Exits,
    /// No page can say the step's exit.
    Unencodable(Unencodable),
    /// The vCPU was never entered for this step, and for so many behind it.
    Unread {
        /// How many there are behind it.
        behind: usize,
    },
}

impl Failure {
    /// Id of the vCPU.
    pub fn vcpu(&self) -> u64 {
        self.vcpu
    }

    /// Index of the step in the vCPU's script, from 0.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Where in the source the step is.
    pub fn place(&self) -> &'static Location<'static> {
        self.place
    }

    /// What is wrong.
    pub fn mismatch(&self) -> &Mismatch {
        &self.mismatch
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vcpu,
            step,
            place,
            text,
            mismatch,
        } = self;
        write!(f, "vCPU {vcpu}, step {step} ({text}), {place}: {mismatch}")
    }
}

/// As [`Display`](fmt::Display), so that an `unwrap` in a test says it too.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { expected, given } => {
                write!(
                    f,
                    "expected the reply {}, got {}",
                    Hex(expected),
                    Hex(given)
                )
            }
            Self::NoReply { expected } => {
                write!(f, "expected the reply {}, got none", Hex(expected))
            }
            Self::Refused => f.write_str("the answer is not as the step checks"),
            Self::Malformed(malformed) => write!(f, "the answer: {malformed}"),
            Self::Unanswered => {
                f.write_str("the vCPU was not entered again, so the reply was never taken")
            }
            Self::Memory {
                address,
                expected,
                found,
            } => {
                let (behind, expected, found) = differing(expected, found);
                let address = address.saturating_add(behind as u64);
                let (expected, found) = (Hex(expected), Hex(found));
                write!(
                    f,
                    "expected {expected} in memory at {address:#x}, found {found}"
                )
            }
            Self::Register {
                id,
                expected,
                found,
            } => {
                write!(f, "expected {} in register {id:#x}, ", Number(expected))?;
                match found {
                    Some(found) => write!(f, "found {}", Number(found)),
                    None => f.write_str("there is none"),
                }
            }
            Self::Msr {
                index,
                expected,
                found,
            } => {
                write!(f, "expected {expected:#x} in MSR {index:#x}, ")?;
                match found {
                    Some(found) => write!(f, "found {found:#x}"),
                    None => f.write_str("there is none"),
                }
            }
            Self::State { op } => write!(f, "what {op} gets is not as the step checks"),
            Self::Stale { op } => write!(
                f,
                "{op} came before the access was complete, and got what was there before it"
            ),
            Self::SetTooEarly { op } => write!(
                f,
                "{op} came before the access was complete, which loses the reply"
            ),
            Self::NoMemory { address, len } => {
                write!(
                    f,
                    "the guest has no such memory: {len} bytes at {address:#x}"
                )
            }
            Self::DirtyRing => f.write_str("the dirty ring has no room for what the step writes"),
            Self::Exits => f.write_str("nothing is registered for the write, so it exits"),
            Self::Unencodable(unencodable) => unencodable.fmt(f),
            Self::Unread { behind: 0 } => f.write_str("the vCPU was never entered for it"),
            Self::Unread { behind } => {
                write!(
                    f,
                    "the vCPU was never entered for it and {behind} behind it"
                )
            }
        }
    }
}

impl Error for Failure {}

/// As much as a line has room for, from the first difference if there is more, and how far behind the start that is.
fn differing<'a>(expected: &'a [u8], found: &'a [u8]) -> (usize, &'a [u8], &'a [u8]) {
    const ROOM: usize = 16;
    if expected.len() <= ROOM {
        return (0, expected, found);
    }
    let pairs = expected.iter().zip(found);
    let same = pairs.take_while(|(expected, found)| expected == found);
    let first = same.count();
    let part = |bytes: &'a [u8]| {
        let bytes = bytes.get(first..).unwrap_or_default();
        bytes.get(..ROOM).unwrap_or(bytes)
    };
    (first, part(expected), part(found))
}

/// Bytes in the order of memory.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            let space = if i > 0 { " " } else { "" };
            write!(f, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}
