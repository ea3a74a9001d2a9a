//! Exits that say what went wrong.

use kvm_sys::{
    EmulationFailureFlags, KVM_INTERNAL_ERROR_EMULATION, MemoryFaultFlags, kvm_run_ex,
    kvm_run_fail_entry, kvm_run_internal, kvm_run_memory_fault,
};
use zerocopy::IntoBytes;

use crate::member::{Member, Union};
use crate::{Field, Malformed};

/// `KVM_EXIT_EXCEPTION`: an exception that KVM did not expect. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The vector.
    pub exception: u32,
    /// The error code that the processor gave with it.
    pub error_code: u32,
}

impl Exception {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_ex::of(payload);
        Self {
            exception: member.exception,
            error_code: member.error_code,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_ex::of(payload);
        member.exception = self.exception;
        member.error_code = self.error_code;
    }
}

/// `KVM_EXIT_FAIL_ENTRY`: the processor refused to enter the guest, mostly because its state is not
/// valid. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailEntry {
    /// The processor's reason, in a code of its vendor's.
    pub hardware_entry_failure_reason: u64,
    /// The host CPU it was tried on.
    pub cpu: u32,
}

impl FailEntry {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_fail_entry::of(payload);
        Self {
            hardware_entry_failure_reason: member.hardware_entry_failure_reason,
            cpu: member.cpu,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_fail_entry::of(payload);
        member.hardware_entry_failure_reason = self.hardware_entry_failure_reason;
        member.cpu = self.cpu;
    }
}

/// `KVM_EXIT_MEMORY_FAULT`: an access that KVM could not resolve. Nothing is a reply.
///
/// It comes with a `KVM_RUN` that *fails*, with `EFAULT` or `EHWPOISON`. Needs
/// `KVM_CAP_MEMORY_FAULT_INFO`.
///
/// ```
/// use kvm_exit::{MemoryFault, kvm_sys::MemoryFaultFlags};
///
/// /// Which way the range has to be converted before the guest can go on.
/// fn to_private(fault: MemoryFault) -> bool {
///     fault.flags.contains(MemoryFaultFlags::KVM_MEMORY_EXIT_FLAG_PRIVATE)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryFault {
    /// What access it was: to private memory or not.
    pub flags: MemoryFaultFlags,
    /// The guest-physical address that the range starts at.
    pub gpa: u64,
    /// The length of the range in bytes.
    pub size: u64,
}

impl MemoryFault {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_memory_fault::of(payload);
        Self {
            flags: member.flags,
            gpa: member.gpa,
            size: member.size,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_memory_fault::of(payload);
        member.flags = self.flags;
        member.gpa = self.gpa;
        member.size = self.size;
    }
}

/// `KVM_EXIT_INTERNAL_ERROR`: KVM does not know how to go on. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternalError<'a> {
    /// What kind of error: `KVM_INTERNAL_ERROR_*`.
    pub suberror: kvm_sys::InternalError,
    /// Words that say more, at most 16. For `KVM_INTERNAL_ERROR_EMULATION` they have a form, which
    /// [`emulation_failure`](Self::emulation_failure) gives; those of the others are for a log.
    pub data: &'a [u64],
}

/// What KVM says about an instruction that it could not emulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmulationFailure<'a> {
    /// Which of the following there are.
    pub flags: EmulationFailureFlags,
    /// The bytes that KVM fetched, at most 15, if the flags say so. They start with the
    /// instruction, and may be more of them than it has or fewer.
    pub insn: Option<&'a [u8]>,
    /// Words whose form is not defined, for a log.
    pub debug: &'a [u64],
}

const INSTRUCTION_BYTES: EmulationFailureFlags =
    EmulationFailureFlags::KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;

impl<'a> InternalError<'a> {
    /// The data as those of an emulation failure; `None` if this is none, or KVM said nothing about
    /// it (before Linux 5.14).
    ///
    /// ```
    /// use kvm_exit::{InternalError, kvm_sys::KVM_INTERNAL_ERROR_EMULATION};
    ///
    /// let insn = [2, 0x0f, 0x0b, 0x90, 0x90, 0x90, 0x90, 0x90];
    /// let error = InternalError {
    ///     suberror: KVM_INTERNAL_ERROR_EMULATION,
    ///     data: &[1, u64::from_ne_bytes(insn), 0],
    /// };
    /// let failure = error.emulation_failure().unwrap();
    /// assert_eq!(failure.insn, Some(&[0x0f, 0x0b][..]));
    /// ```
    pub fn emulation_failure(&self) -> Option<EmulationFailure<'a>> {
        if self.suberror != KVM_INTERNAL_ERROR_EMULATION {
            return None;
        }
        let (&flags, debug) = self.data.split_first()?;
        let flags = EmulationFailureFlags::from_bits_retain(flags);
        if !flags.contains(INSTRUCTION_BYTES) {
            return Some(EmulationFailure {
                flags,
                insn: None,
                debug,
            });
        }
        let Some((words, debug)) = debug.split_first_chunk::<2>() else {
            return Some(EmulationFailure {
                flags,
                insn: None,
                debug,
            });
        };
        let insn = words
            .as_bytes()
            .split_first()
            .and_then(|(&size, bytes)| bytes.get(..usize::from(size)));
        Some(EmulationFailure { flags, insn, debug })
    }

    pub(crate) fn decode(payload: &'a mut Union) -> Result<Self, Malformed> {
        let member = kvm_run_internal::of(payload);
        let Some(data) = usize::try_from(member.ndata)
            .ok()
            .and_then(|ndata| member.data.get(..ndata))
        else {
            return Err(too_many(member.ndata.into()));
        };
        let error = Self {
            suberror: member.suberror,
            data,
        };
        error.check_insn_size()?;
        Ok(error)
    }

    pub(crate) fn encode(&self, payload: &mut Union) -> Result<(), Malformed> {
        self.check_insn_size()?;
        let member = kvm_run_internal::of(payload);
        let (Some(data), Ok(ndata)) = (
            member.data.get_mut(..self.data.len()),
            u32::try_from(self.data.len()),
        ) else {
            return Err(too_many(self.data.len() as u64));
        };
        data.copy_from_slice(self.data);
        member.ndata = ndata;
        member.suberror = self.suberror;
        Ok(())
    }

    fn check_insn_size(&self) -> Result<(), Malformed> {
        match (self.suberror, self.data) {
            (KVM_INTERNAL_ERROR_EMULATION, [flags, insn, _, ..])
                if flags & INSTRUCTION_BYTES.bits() != 0 =>
            {
                let [size, ..] = insn.to_ne_bytes();
                if size > 15 {
                    return Err(Malformed::new(
                        Field::EmulationFailureInsnSize,
                        size.into(),
                        15,
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn too_many(ndata: u64) -> Malformed {
    Malformed::new(Field::InternalErrorNdata, ndata, 16)
}
