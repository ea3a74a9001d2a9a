//! [`Step`]: one call of a sequence, as it is given to every backend.

use std::fmt;

use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::{
    KVM_ENABLE_CAP, KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR, KVM_SET_DEVICE_ATTR, kvm_device_attr,
    kvm_enable_cap,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The object that a call is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    /// `/dev/kvm`.
    System,
    /// The VM of the sequence.
    Vm,
    /// The vCPU that was made with this id.
    Vcpu(u64),
    /// The device that was made under this number.
    Device(u8),
}

/// One step of a sequence. It stands for itself: when the object that it is made on was never made, it is passed
/// over, so that any of the others can be left out.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The object.
    pub(super) on: On,
    /// What is done with it.
    pub(super) does: Does,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Does {
    /// Makes a call.
    Call {
        /// Its row.
        op: &'static Op,
        /// What it is given.
        given: Given,
        /// What of the answer is determined by the contract.
        looks: Looks,
    },
    /// Makes an object.
    Create {
        /// The row of the call.
        op: &'static Op,
        /// What it is given.
        given: Given,
        /// What the new object is known as from then on.
        made: Option<On>,
    },
    /// Drops the object.
    Drop,
}

/// What a call is given.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// An integer.
    Value(u64),
    /// A structure.
    Struct {
        /// Its bytes, and those of the list behind it.
        bytes: Vec<u8>,
        /// Fields whose value is another in each process.
        own: Vec<(usize, Own)>,
        /// What the pointers in it lead to, the first first.
        behind: Vec<Vec<u8>>,
        /// In words.
        says: String,
    },
    /// What another call says at that moment, with changes.
    Changed {
        /// The other call.
        get: &'static Op,
        /// What that is given.
        input: Vec<u8>,
        /// The changes.
        changes: Vec<Change>,
    },
}

/// A value that is another in each process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Own {
    /// The descriptor of one of the eventfds.
    Eventfd(usize),
    /// A descriptor of something else.
    NoEventfd,
    /// An address in the memory that guests are given, or behind it.
    Memory(u64),
}

/// The calls on attributes.
const ATTRIBUTES: [&Op; 3] = [
    &KVM_SET_DEVICE_ATTR,
    &KVM_GET_DEVICE_ATTR,
    &KVM_HAS_DEVICE_ATTR,
];

/// How many eventfds there are.
pub(super) const EVENTFDS: usize = 3;

/// A field with a new value.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The field's name.
    pub(super) field: &'static str,
    /// Where it is.
    pub(super) at: usize,
    /// Its new bytes.
    pub(super) bytes: Vec<u8>,
}

/// What of a successful answer is compared, beside that it is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    /// Whether the number is.
    pub(super) number: bool,
    /// Leaves in the bytes what is; `None` for nothing.
    pub(super) bytes: Option<fn(&mut [u8])>,
}

impl Step {
    /// Whether its words have this one among them.
    pub(super) fn names(&self, word: &str) -> bool {
        self.to_string().contains(word)
    }
}

impl Looks {
    /// The bytes, and the number where the row says that it is one.
    pub(super) const ALL: Self = Self {
        number: true,
        bytes: Some(|_| {}),
    };

    /// That it succeeded.
    pub(super) const SUCCESS: Self = Self {
        number: false,
        bytes: None,
    };

    /// The bytes that this leaves.
    pub(super) const fn only(bytes: fn(&mut [u8])) -> Self {
        Self {
            number: true,
            bytes: Some(bytes),
        }
    }
}

impl Given {
    /// A structure without anything of one process in it.
    pub(super) fn of<T: IntoBytes + Immutable + fmt::Debug>(value: &T) -> Self {
        Self::with(value, [])
    }

    /// A structure with fields of this process.
    pub(super) fn with<T: IntoBytes + Immutable + fmt::Debug>(
        value: &T,
        own: impl IntoIterator<Item = (usize, Own)>,
    ) -> Self {
        Self::Struct {
            bytes: value.as_bytes().to_vec(),
            own: own.into_iter().collect(),
            behind: Vec::new(),
            says: brief(format!("{value:?}")),
        }
    }

    /// A header, and a list behind it.
    pub(super) fn list<T, E>(head: &T, elements: &[E]) -> Self
    where
        T: IntoBytes + Immutable + fmt::Debug,
        E: IntoBytes + Immutable + fmt::Debug,
    {
        let mut bytes = head.as_bytes().to_vec();
        bytes.extend_from_slice(elements.as_bytes());
        Self::Struct {
            bytes,
            own: Vec::new(),
            behind: Vec::new(),
            says: brief(format!("{head:?} {elements:?}")),
        }
    }

    /// Room for as many bytes, all 0.
    pub(super) fn room(len: usize) -> Self {
        Self::Struct {
            bytes: vec![0; len],
            own: Vec::new(),
            behind: Vec::new(),
            says: String::new(),
        }
    }

    /// A structure with a pointer to `bytes`.
    pub(super) fn pointer<T: IntoBytes + Immutable + fmt::Debug>(head: &T, bytes: Vec<u8>) -> Self {
        Self::Struct {
            says: brief(format!("{head:?} -> {bytes:02x?}")),
            bytes: head.as_bytes().to_vec(),
            own: Vec::new(),
            behind: vec![bytes],
        }
    }

    /// Of calls that do many things, which one it is.
    pub(super) fn kind(&self, op: &Op) -> String {
        match self {
            Self::Struct { bytes, .. } if op == &KVM_ENABLE_CAP => {
                let cap = kvm_enable_cap::read_from_prefix(bytes);
                cap.map_or(String::new(), |(enable, _)| format!(" {:?}", enable.cap))
            }
            Self::Struct { bytes, .. } if ATTRIBUTES.contains(&op) => {
                let attr = kvm_device_attr::read_from_prefix(bytes);
                attr.map_or(String::new(), |(attr, _)| {
                    format!(" {}: {:#x}", attr.group, attr.attr)
                })
            }
            _ => String::new(),
        }
    }

    /// What `get` says, with changes.
    pub(super) fn changed(get: &'static Op, changes: impl IntoIterator<Item = Change>) -> Self {
        Self::Changed {
            get,
            input: vec![0; get.size()],
            changes: changes.into_iter().collect(),
        }
    }
}

/// Without the most of what repeats itself: padding, and room for an answer.
fn brief(mut says: String) -> String {
    for element in ["0", "00", "ff"] {
        let twice = format!("{element}, {element}, {element}, ");
        let once = format!("{element}, {element}, ");
        while says.contains(&twice) {
            says = says.replace(&twice, &once);
        }
    }
    says
}

impl Change {
    /// Of the field at an offset.
    pub(super) fn new<T: IntoBytes + Immutable>(field: &'static str, at: usize, value: &T) -> Self {
        Self {
            field,
            at,
            bytes: value.as_bytes().to_vec(),
        }
    }
}

/// A [`Change`] of a field of a structure.
macro_rules! change {
    ($structure:ty, $($field:ident).+, $value:expr) => {
        $crate::differential::step::Change::new(
            stringify!($($field).+),
            ::core::mem::offset_of!($structure, $($field).+),
            &$value,
        )
    };
}
pub(super) use change;

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Vm => f.write_str("vm"),
            Self::Vcpu(id) => write!(f, "vcpu {id}"),
            Self::Device(number) => write!(f, "device {number}"),
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, " {value:#x}"),
            Self::Struct { own, says, .. } => {
                if !says.is_empty() {
                    write!(f, " {says}")?;
                }
                own.iter()
                    .try_for_each(|(at, own)| write!(f, " with {own:?} at {at}"))
            }
            Self::Changed { get, changes, .. } => {
                write!(f, " what {get} says")?;
                changes.iter().try_for_each(|Change { field, bytes, .. }| {
                    write!(f, ", with {field} {bytes:02x?}")
                })
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on, does } = self;
        match does {
            Does::Call { op, given, .. } => write!(f, "{on}: {op}{given}"),
            Does::Create { op, given, made } => {
                write!(f, "{on}: {op}{given}")?;
                made.map_or(Ok(()), |made| write!(f, " makes {made}"))
            }
            Does::Drop => write!(f, "{on}: dropped"),
        }
    }
}
