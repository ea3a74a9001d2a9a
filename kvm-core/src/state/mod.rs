//! [`SavedState`]: the state of a vCPU or a VM, as bytes that outlive it.
//!
//! The bytes, all numbers little-endian:
//!
//! | offset | length | |
//! |---|---|---|
//! | 0 | 8 | `kvmstate` |
//! | 8 | 2 | version of this layout: 1 |
//! | 10 | 2 | architecture: 1 x86_64, 2 aarch64, 3 riscv64, 4 s390x, 5 powerpc64le, 6 loongarch64, 7 mips64el |
//! | 12 | 2 | what it is the state of: 2 a VM, 4 a vCPU, 8 a device |
//! | 14 | 2 | of a device, its kind (`KVM_DEV_TYPE_*`), else 0 |
//! | 16 | | pieces |
//! | end - 4 | 4 | CRC-32C of all bytes before |
//!
//! A piece is the request number of the call that gave it, as the architecture has it (4 bytes), its length
//! (4 bytes), and as many bytes as the call wrote, in the byte order of the architecture. A length of
//! `0xffff_ffff` has no bytes: the host that saved the state had no such thing. Several pieces may have one
//! number. What a piece consists of is said where it is saved; of `KVM_GET_ONE_REG` it is the register's id
//! (8 bytes) and value, of `KVM_GET_DEVICE_ATTR` the attribute's group (4 bytes), number (8 bytes) and value.

mod bank;
mod crc;
mod guest;
mod read;
mod registers;
mod write;

use alloc::vec::Vec;
use core::fmt;

use kvm_sys::op::{Fds, Op};
use kvm_sys::{Arch, DeviceType};

use crate::Error;

pub(crate) use bank::Bank;
pub use guest::StateGuest;
pub use read::{Piece, Pieces};
pub(crate) use read::{length, value};
pub(crate) use registers::{restore_registers, save_registers};
pub(crate) use write::Writer;

const MAGIC: &[u8; 8] = b"kvmstate";
const VERSION: u16 = 1;
/// Where the pieces begin.
const PIECES: usize = 16;
/// The length of a piece that is not there.
const ABSENT: u32 = u32::MAX;

/// The state of a vCPU, a VM or a device, as [`Vcpu::save`](crate::Vcpu::save), [`Vm::save`](crate::Vm::save) and
/// [`Device::save`](crate::device::Device::save) give it: plain bytes with a version and a checksum, to be written
/// to a file or sent to another host.
///
/// They can be looked at on any host. To restore it needs a host of the same architecture that has what the
/// state needs.
///
/// # Order
///
/// To save a machine: stop all vCPUs; save them; save the devices, of which some write tables to guest memory;
/// save the VM; then copy guest memory.
///
/// To restore it: make a VM with memory and fill that; create the vCPUs in the same order, and restore them;
/// make the interrupt controllers and set them up as they were, up to and with their `INIT`, then restore
/// devices in the order in which they were created, an ITS after its vGIC; restore the VM; then run. On x86_64,
/// interrupt controllers come before the vCPUs, as `KVM_CREATE_IRQCHIP` asks for.
///
/// # Time
///
/// A guest that looks at no clock goes on bit for bit. Its clocks go on where they were when they were saved, and a
/// timer that was armed expires when they say so: the time for which the guest was away does not count, and that
/// which passes while vCPUs are saved and restored may. So a timer comes sooner, by at most as long as that takes,
/// and never later than a timer of the host may be. Three do otherwise: the PIT of x86_64 begins its period anew, and
/// is late by up to one; on riscv64 a timer that was armed expires at once where the host lacks `Sstc`; and kernels
/// before 6.7 take a TSC that is within a second of that of the new VM to be the same, so timers by the TSC may be a
/// second off when a guest is restored in its first.
///
/// ```
/// use kvm_core::{Kvm, SavedState, kvm_sys::Arch};
///
/// let mut vcpu = Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
/// let bytes = vcpu.save()?.into_bytes();
///
/// let state = SavedState::from_bytes(bytes)?;
/// assert_eq!(state.arch(), Arch::X86_64);
/// for piece in state.pieces() {
///     println!("{piece:?}");
/// }
/// vcpu.restore(&state)?;
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SavedState {
    /// With a header and pieces that [`read`] found well-formed, or [`Writer`] made.
    bytes: Vec<u8>,
    arch: Arch,
    of: Fds,
    /// 0 but for devices.
    kind: u16,
}

impl SavedState {
    /// The state in `bytes`.
    ///
    /// # Errors
    ///
    /// [`Cause::Damaged`](crate::Cause::Damaged) when they are no state, or not as they were saved;
    /// [`Cause::StateVersion`](crate::Cause::StateVersion) when a later version of this crate saved them.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        read::parse(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whose architecture it is.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// What it is the state of: [`Fds::VM`], [`Fds::VCPU`] or [`Fds::DEVICE`].
    pub fn of(&self) -> Fds {
        self.of
    }

    /// The kind of device that it is the state of.
    ///
    /// ```
    /// use kvm_core::Kvm;
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// assert_eq!(vm.save()?.device_kind(), None);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn device_kind(&self) -> Option<DeviceType> {
        (self.of == Fds::DEVICE).then_some(DeviceType(self.kind.into()))
    }

    /// What it consists of, in the order in which it was saved.
    pub fn pieces(&self) -> Pieces<'_> {
        read::pieces(self)
    }
}

impl fmt::Debug for SavedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedState")
            .field("arch", &self.arch)
            .field("of", &self.of)
            .field("pieces", &DebugPieces(self))
            .finish()
    }
}

struct DebugPieces<'a>(&'a SavedState);

impl fmt::Debug for DebugPieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.pieces()).finish()
    }
}

fn number_of(arch: Arch) -> u16 {
    match arch {
        Arch::X86_64 => 1,
        Arch::Aarch64 => 2,
        Arch::Riscv64 => 3,
        Arch::S390x => 4,
        Arch::Powerpc64le => 5,
        Arch::Loongarch64 => 6,
        Arch::Mips64el => 7,
    }
}

/// The number that pieces of a call have on an architecture; 0 where its headers give the call none.
fn request(op: &Op, arch: Arch) -> u32 {
    op.requests.on(arch).unwrap_or_default()
}

#[cfg(test)]
mod tests;
