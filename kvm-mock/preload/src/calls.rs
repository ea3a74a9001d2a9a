//! An `ioctl` of the program's, as a call on a backend.
#![expect(unsafe_code, reason = "makes calls")]

use std::ffi::c_int;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::sync::Arc;

use kvm_core::{Arg, Errno, Hypervisor, Part, PartBytes};
use kvm_sys::op::{Length, Op, Returns, Takes};
use kvm_sys::{
    Cap, DeviceType, KVM_CHECK_EXTENSION, KVM_CREATE_DEVICE, KVM_CREATE_DEVICE_TEST,
    KVM_CREATE_GUEST_MEMFD, KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_GET_ONE_REG, KVM_GET_STATS_FD,
    KVM_HAS_DEVICE_ATTR, KVM_REG_SIZE, KVM_RUN, KVM_SET_SIGNAL_MASK, KVM_SET_USER_MEMORY_REGION,
    KVM_SET_USER_MEMORY_REGION2, kvm_one_reg,
};

use crate::frame::Frame;
use crate::guard::{last, own};
use crate::object::{Kind, Object, lock};
use crate::real;
use crate::rows;
use crate::run;
use crate::table::{self, File};

/// Numbers that the kernel answers for every file, before the file's own.
const OF_EVERY_FILE: [u64; 4] = [libc::FIOCLEX, libc::FIONCLEX, libc::FIONBIO, libc::FIOASYNC];

/// Makes the call that the program asked `fd` for.
pub(crate) fn ioctl(object: &Object, fd: c_int, request: u32, arg: usize) -> Result<c_int, Errno> {
    const RUN: u32 = KVM_RUN.request();

    if request == RUN && object.kind == Kind::Vcpu {
        return if arg == 0 {
            run::enter(object).map(|()| 0)
        } else {
            Err(Errno::EINVAL)
        };
    }
    let answered = own(|| other(object, fd, request, arg));
    if answered == Err(Errno::DIVERGED) {
        object.system.diverged();
    }
    answered
}

/// Any call but `KVM_RUN`.
fn other(object: &Object, fd: c_int, request: u32, arg: usize) -> Result<c_int, Errno> {
    let row = rows::find(object.kind.fds(), request);
    let row = row.filter(|op| !is_command(op));
    let Some(op) = row else {
        return unknown(object, fd, request, arg);
    };
    let address = arg as u64;
    let nothing = address == 0 && *op == KVM_SET_SIGNAL_MASK;
    let frame = match Frame::copy_in(object, op, address) {
        _ if nothing => None,
        Err(Errno::EFAULT) => return Err(refusal(object, op)),
        frame => frame?,
    };
    let Some(mut frame) = frame else {
        // The kernel wants a 0 where there is no argument.
        let mut arg = if address == 0 {
            Arg::None
        } else {
            Arg::Value(address)
        };
        return make(object, op, &mut arg, None).map(|made| made.returned);
    };
    let device = new_device(op, &frame.head);
    let test = device.is_some_and(|(_, test)| test);
    let made = if op.returns == Returns::Nothing || op.returns == Returns::Number || test {
        // SAFETY: `Frame` has as many bytes as the row and its counts say, and parts where it has pointers. Host
        // addresses are the program's: it promises the kernel what the contract asks for, and what comes of a broken
        // promise `PRELOAD.md` says.
        let returned = unsafe { frame.with(|arg| object.backend().ioctl(op, arg)) };
        returned.and_then(as_c)
    } else {
        let kind = device.map(|(device, _)| Kind::Device(device));
        let made = frame.with(|arg| make(object, op, arg, kind));
        made.map(|made| {
            if let (Returns::DescriptorAt(offset), Some(fd)) = (op.returns, made.fd) {
                let field = frame
                    .head
                    .get_mut(offset as usize..)
                    .and_then(<[u8]>::first_chunk_mut);
                if let Some(field) = field {
                    *field = fd.to_ne_bytes();
                }
            }
            made.returned
        })
    };
    if made.is_ok() {
        learn(object, op, &frame.head);
    }
    frame.copy_out(made.is_ok())?;
    made
}

/// Why a call fails whose argument is not there: for that, or for what is looked at before.
fn refusal(object: &Object, op: &'static Op) -> Errno {
    // A null pointer is as good as any other that leads nowhere, but here, where it means something.
    if *op == KVM_SET_SIGNAL_MASK {
        return Errno::EFAULT;
    }
    // SAFETY: the kernel finds nothing to read or write at address 0, and the other backends none.
    let refused = unsafe { object.backend().ioctl(op, &mut Arg::None) };
    refused.err().unwrap_or(Errno::EFAULT)
}

/// Why a call fails whose value is not there: the kernel looks first whether there is such an attribute or register.
pub(crate) fn refusal_of_value(object: &Object, len: Length, head: &[u8]) -> Errno {
    let mut head = head.to_vec();
    let asked = match len {
        Length::Attribute => {
            // SAFETY: the structure is that of the attributes' calls, and this one goes nowhere behind it.
            unsafe {
                object
                    .backend()
                    .ioctl(&KVM_HAS_DEVICE_ATTR, &mut Arg::In(&head))
            }
        }
        _ => {
            let id = head.first_chunk().map_or(0, |id| u64::from_ne_bytes(*id));
            let len = usize::try_from(KVM_REG_SIZE(id)).unwrap_or(0);
            let mut value = vec![0; len];
            let mut parts = [Part {
                offset: offset_of!(kvm_one_reg, addr),
                bytes: PartBytes::Mut(&mut value),
            }];
            let mut arg = Arg::Parts {
                head: &mut head,
                parts: &mut parts,
            };
            // SAFETY: the structure is that of the registers' calls, and as many bytes as the id says are behind it.
            unsafe { object.backend().ioctl(&KVM_GET_ONE_REG, &mut arg) }
        }
    };
    asked.err().unwrap_or(Errno::EFAULT)
}

/// What a call returned.
struct Made {
    returned: c_int,
    /// The new descriptor.
    fd: Option<c_int>,
}

/// Makes a call; of one that gives a new object, makes a descriptor that stands for it.
fn make(
    object: &Object,
    op: &'static Op,
    arg: &mut Arg<'_>,
    kind: Option<Kind>,
) -> Result<Made, Errno> {
    if matches!(op.returns, Returns::Nothing | Returns::Number) {
        // SAFETY: the argument is none, an integer, or that of a `Frame`.
        let returned = unsafe { object.backend().ioctl(op, arg) }?;
        return Ok(Made {
            returned: as_c(returned)?,
            fd: None,
        });
    }
    // SAFETY: as above.
    let backend = unsafe { object.backend().create(op, arg) }?;
    let kind = kind.unwrap_or_else(|| made_by(op));
    let (child, fd) = object.child(kind, backend)?;
    if !table::insert(fd.as_raw_fd(), File::Object(Arc::new(child))) {
        return Err(Errno::EMFILE);
    }
    let fd = fd.into_raw_fd();
    let returned = if op.returns == Returns::Descriptor {
        fd
    } else {
        0
    };
    Ok(Made {
        returned,
        fd: Some(fd),
    })
}

fn as_c(returned: u32) -> Result<c_int, Errno> {
    c_int::try_from(returned).map_err(|_| Errno::EINVAL)
}

fn made_by(op: &Op) -> Kind {
    match op {
        op if *op == KVM_CREATE_VM => Kind::Vm,
        op if *op == KVM_CREATE_VCPU => Kind::Vcpu,
        op if *op == KVM_GET_STATS_FD => Kind::Stats,
        op if *op == KVM_CREATE_GUEST_MEMFD => Kind::GuestMemfd,
        _ => Kind::Other,
    }
}

/// The kind of a device that the call makes, and whether it only asks for it.
fn new_device(op: &Op, head: &[u8]) -> Option<(DeviceType, bool)> {
    let words: Vec<u32> = head
        .chunks_exact(4)
        .filter_map(|word| Some(u32::from_ne_bytes(*word.first_chunk()?)))
        .collect();
    match words[..] {
        [kind, _, flags] if *op == KVM_CREATE_DEVICE => {
            Some((DeviceType(kind), flags & KVM_CREATE_DEVICE_TEST.bits() != 0))
        }
        _ => None,
    }
}

/// What has to be known later of a call that succeeded: how long slots are.
fn learn(object: &Object, op: &Op, head: &[u8]) {
    if *op != KVM_SET_USER_MEMORY_REGION && *op != KVM_SET_USER_MEMORY_REGION2 {
        return;
    }
    let slot = head.first_chunk().map(|slot| u32::from_ne_bytes(*slot));
    let size = head
        .get(16..)
        .and_then(<[u8]>::first_chunk)
        .map(|size| u64::from_ne_bytes(*size));
    if let (Some(slot), Some(size)) = (slot, size) {
        let mut slots = lock(&object.vm.slots);
        if size == 0 {
            slots.remove(&slot);
        } else {
            slots.insert(slot, size);
        }
    }
}

/// Bytes that the extended state of a vCPU has, which `KVM_GET_XSAVE2` and `KVM_SET_XSAVE` copy.
pub(crate) fn xsave_size(vcpu: &Object) -> u32 {
    const LEAST: u32 = 4096;
    let mut known = lock(&vcpu.vm.xsave);
    *known.get_or_insert_with(|| {
        let cap = Cap::NAMES
            .iter()
            .find(|(_, name)| *name == "KVM_CAP_XSAVE2");
        let cap = cap.map_or(0, |(cap, _)| u64::from(cap.0));
        // SAFETY: the call takes an integer.
        let size = unsafe {
            vcpu.system
                .backend
                .ioctl(&KVM_CHECK_EXTENSION, &mut Arg::Value(cap))
        };
        size.unwrap_or(0).max(LEAST)
    })
}

/// Whether the argument has addresses that only the command in it gives a meaning: such calls can't be copied.
fn is_command(op: &Op) -> bool {
    let Takes::Struct { inner, .. } = op.takes else {
        return false;
    };
    inner
        .iter()
        .any(|inner| matches!(inner.len, Length::Command | Length::Tlb))
}

/// A number that the table does not have on this kind of object, or a call that can't be copied.
fn unknown(object: &Object, fd: c_int, request: u32, arg: usize) -> Result<c_int, Errno> {
    if object.system.kernel || OF_EVERY_FILE.contains(&request.into()) {
        // SAFETY: what the program asked for, unchanged.
        let returned = unsafe { real::ioctl(fd, request.into(), arg) };
        return if returned < 0 {
            Err(last())
        } else {
            Ok(returned)
        };
    }
    // As the kernel's dispatchers have it.
    Err(match object.kind {
        Kind::System | Kind::Vcpu => Errno::EINVAL,
        Kind::Vm if cfg!(target_arch = "aarch64") => Errno::EINVAL,
        _ => Errno::ENOTTY,
    })
}
