//! [`World`]: a VM with what belongs to it on one backend, on which steps are made.
#![expect(unsafe_code, reason = "makes any call of the table")]

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use kvm_core::kvm_sys::op::{Dir, Op, Returns, Takes};
use kvm_core::kvm_sys::{
    Cap, KVM_CHECK_EXTENSION, KVM_CREATE_VM, KVM_HAS_DEVICE_ATTR, KVM_RUN,
    KVM_SET_USER_MEMORY_REGION, KVM_SET_USER_MEMORY_REGION2, kvm_userspace_memory_region,
};
use kvm_core::{AnonymousMemory, Arg, Errno, Hypervisor, Memory, Part, PartBytes};
use rustix::event::{EventfdFlags, eventfd};
use zerocopy::FromBytes;

use super::fits::fits;
use super::step::{Does, EVENTFDS, Given, Looks, On, Own, Step};

/// The smallest page of the architectures that there are sequences for.
pub(super) const PAGE: u64 = 0x1000;
/// Pages of the memory that guests are given.
pub(super) const MEMORY_PAGES: u64 = 200;
/// Room for the value of an attribute; the longest of the kernel's are shorter by far.
pub(super) const ATTRIBUTE_ROOM: usize = 0x1000;
/// No slot has so many bytes: the kernel counts its pages in 31 bits.
const NO_SLOT: u64 = 1 << 50;

/// Not an errno of the kernel: what a step gives does not keep the contract of its call, so it was not made.
pub(super) const UNFIT: Errno = Errno(u16::MAX);

/// What a call answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The number, 0 where it means nothing; or the errno.
    pub(super) result: Result<u32, Errno>,
    /// What the contract determines of the bytes that it wrote.
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    fn failed(errno: Errno) -> Self {
        Self {
            result: Err(errno),
            bytes: Vec::new(),
        }
    }
}

/// A VM, and what belongs to it.
pub(super) struct World<H> {
    // The objects of KVM first: they are gone before what they were given.
    devices: BTreeMap<On, H>,
    vm: H,
    system: H,
    eventfds: [OwnedFd; EVENTFDS],
    no_eventfd: UnixStream,
    memory: Memory,
}

impl<H: Hypervisor> World<H> {
    /// A new VM.
    pub(super) fn new(system: H) -> Result<Self, Box<dyn std::error::Error>> {
        let vm = loop {
            // SAFETY: the row takes a value.
            match unsafe { system.create(&KVM_CREATE_VM, &mut Arg::Value(0)) } {
                Err(Errno::EINTR) => {}
                created => break created?,
            }
        };
        let eventfd = || eventfd(0, EventfdFlags::CLOEXEC);
        let len = usize::try_from(MEMORY_PAGES * PAGE)?;
        Ok(Self {
            devices: BTreeMap::new(),
            vm,
            system,
            eventfds: [eventfd()?, eventfd()?, eventfd()?],
            no_eventfd: UnixStream::pair()?.0,
            memory: Memory::from(AnonymousMemory::new(len)?),
        })
    }

    fn object(&self, on: On) -> Option<&H> {
        match on {
            On::System => Some(&self.system),
            On::Vm => Some(&self.vm),
            On::Vcpu(_) | On::Device(_) => self.devices.get(&on),
        }
    }

    /// Makes the step, if there is the object that it is made on.
    pub(super) fn make(&mut self, step: &Step) -> Option<Answer> {
        let object = self.object(step.on)?;
        let answer = match &step.does {
            Does::Drop => {
                self.devices.remove(&step.on);
                Ok((0, Vec::new()))
            }
            Does::Call { op, given, looks } => self.call(object, op, given, *looks),
            Does::Create { op, given, made } => match self.create(object, op, given) {
                Ok(new) => {
                    if let Some(made) = made {
                        self.devices.insert(*made, new);
                    }
                    Ok((0, Vec::new()))
                }
                Err(errno) => Err(errno),
            },
        };
        Some(match answer {
            Ok((number, bytes)) => Answer {
                result: Ok(number),
                bytes,
            },
            Err(errno) => Answer::failed(errno),
        })
    }

    fn create(&self, object: &H, op: &'static Op, given: &Given) -> Result<H, Errno> {
        let mut buffers = self.buffers(object, op, given)?;
        let mut parts = Vec::new();
        let mut arg = self.arg(op, &mut buffers, &mut parts)?;
        // SAFETY: `arg` compared the argument with the row.
        unsafe { object.create(op, &mut arg) }
    }

    fn call(
        &self,
        object: &H,
        op: &'static Op,
        given: &Given,
        looks: Looks,
    ) -> Result<(u32, Vec<u8>), Errno> {
        let mut buffers = self.buffers(object, op, given)?;
        // A descriptor that nobody knows of would stay open.
        if matches!(op.returns, Returns::Descriptor) {
            return Err(UNFIT);
        }
        let returned = self.ioctl(object, op, &mut buffers)?;
        let number = looks.number && matches!(op.returns, Returns::Number);
        let mut bytes = match buffers {
            Buffers::Value(_) => Vec::new(),
            Buffers::Struct { head, mut behind } => behind.pop().unwrap_or(head),
        };
        match looks.bytes {
            Some(leave) => leave(&mut bytes),
            None => bytes.clear(),
        }
        Ok((if number { returned } else { 0 }, bytes))
    }

    fn ioctl(&self, object: &H, op: &'static Op, buffers: &mut Buffers) -> Result<u32, Errno> {
        let mut parts = Vec::new();
        let mut arg = self.arg(op, buffers, &mut parts)?;
        // SAFETY: `arg` compared the argument with the row.
        unsafe { object.ioctl(op, &mut arg) }
    }

    /// What a step gives, with what is different in each process.
    fn buffers(&self, object: &H, op: &'static Op, given: &Given) -> Result<Buffers, Errno> {
        match given {
            Given::Value(value) => Ok(Buffers::Value(*value)),
            Given::Struct {
                bytes, own, behind, ..
            } => {
                let mut head = bytes.clone();
                for (at, own) in own {
                    match own {
                        Own::Memory(offset) => {
                            let address = self.memory.host_address().wrapping_add(*offset);
                            put(&mut head, *at, &address.to_ne_bytes())?;
                        }
                        Own::Eventfd(n) => {
                            let number = self.eventfds.get(*n).map_or(-1, AsRawFd::as_raw_fd);
                            put(&mut head, *at, &number.to_ne_bytes())?;
                        }
                        Own::NoEventfd => {
                            let number = self.no_eventfd.as_raw_fd();
                            put(&mut head, *at, &number.to_ne_bytes())?;
                        }
                    }
                }
                let behind = behind.clone();
                Ok(Buffers::Struct { head, behind })
            }
            Given::Changed {
                get,
                input,
                changes,
            } => {
                let mut state = Buffers::Struct {
                    head: input.clone(),
                    behind: Vec::new(),
                };
                self.ioctl(object, get, &mut state)?;
                if let Buffers::Struct { head, .. } = &mut state {
                    for change in changes {
                        put(head, change.at, &change.bytes)?;
                    }
                    head.resize(head.len().max(op.size()), 0);
                }
                Ok(state)
            }
        }
    }

    /// The argument, if it keeps the contract of the call.
    fn arg<'a>(
        &self,
        op: &'static Op,
        buffers: &'a mut Buffers,
        parts: &'a mut Vec<Part<'a>>,
    ) -> Result<Arg<'a>, Errno> {
        // KVM_RUN needs a promise that no table has.
        if op == &KVM_RUN {
            return Err(UNFIT);
        }
        match (buffers, op.takes) {
            (Buffers::Value(value), Takes::Nothing | Takes::Value) => Ok(Arg::Value(*value)),
            (Buffers::Struct { head, behind }, Takes::Struct { dir, inner, .. })
                if fits(op, head, behind, |cap| self.cap(cap)) && self.has_memory(op, head) =>
            {
                // One that only asks has no use for its pointer.
                if inner.is_empty() || op == &KVM_HAS_DEVICE_ATTR {
                    return Ok(match dir {
                        Dir::In => Arg::In(head),
                        Dir::Out | Dir::InOut => Arg::Mut(head),
                    });
                }
                for (inner, bytes) in inner.iter().zip(behind) {
                    parts.push(Part {
                        offset: usize::try_from(inner.offset).map_err(|_| UNFIT)?,
                        bytes: match inner.dir {
                            Dir::In => PartBytes::In(bytes),
                            Dir::Out | Dir::InOut => PartBytes::Mut(bytes),
                        },
                    });
                }
                Ok(Arg::Parts { head, parts })
            }
            _ => Err(UNFIT),
        }
    }

    /// Whether the host's addresses in the argument are good: of the memory there is, or never looked at because no
    /// slot is so long.
    fn has_memory(&self, op: &Op, head: &[u8]) -> bool {
        if op != &KVM_SET_USER_MEMORY_REGION && op != &KVM_SET_USER_MEMORY_REGION2 {
            return true;
        }
        // The second form begins as the first does.
        kvm_userspace_memory_region::read_from_prefix(head).is_ok_and(|(region, _)| {
            let start = self.memory.host_address();
            let end = start + MEMORY_PAGES * PAGE;
            let inside = region.userspace_addr >= start
                && region
                    .userspace_addr
                    .checked_add(region.memory_size)
                    .is_some_and(|last| last <= end);
            inside || region.memory_size == 0 || region.memory_size >= NO_SLOT
        })
    }

    fn cap(&self, name: &str) -> u64 {
        let cap = Cap::NAMES.iter().find(|(_, known)| *known == name);
        // SAFETY: the row takes a value.
        let answer = cap.map(|(cap, _)| unsafe {
            self.vm
                .ioctl(&KVM_CHECK_EXTENSION, &mut Arg::Value(cap.0.into()))
        });
        // More than any argument has, where it can't be asked for.
        answer.and_then(Result::ok).map_or(u64::MAX, u64::from)
    }
}

/// The bytes of an argument.
enum Buffers {
    Value(u64),
    Struct { head: Vec<u8>, behind: Vec<Vec<u8>> },
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Result<(), Errno> {
    let to = at
        .checked_add(value.len())
        .and_then(|end| bytes.get_mut(at..end));
    to.ok_or(UNFIT)?.copy_from_slice(value);
    Ok(())
}
