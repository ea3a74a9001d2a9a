//! [`NestedState`]: what a guest that runs guests itself has set up.
#![expect(unsafe_code, reason = "the size of the argument is in the argument")]

use alloc::vec::Vec;
use core::fmt;

use kvm_exit::X86_64;
use kvm_sys::x86_64::{KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE, kvm_nested_state};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::error::Cause;
use crate::{Arg, Errno, Error, Hypervisor, Registers};

const HEADER: usize = size_of::<kvm_nested_state>();

/// More than any processor's state: the kernel's own is a header and two pages.
const MOST_BYTES: usize = 1 << 16;

/// The state of nested virtualization: a header and, when a nested guest runs, one or two pages.
#[derive(Clone, PartialEq, Eq)]
pub struct NestedState {
    header: kvm_nested_state,
    data: Vec<u8>,
}

impl NestedState {
    /// State with this header, in which `size` is filled in, and these bytes behind it.
    pub fn new(header: &kvm_nested_state, data: impl Into<Vec<u8>>) -> Self {
        Self {
            header: *header,
            data: data.into(),
        }
    }

    /// The header: flags, format and what the format defines.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let nested = vcpu.get_nested_state()?;
    /// assert!(nested.header().size as usize >= size_of_val(nested.header()));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn header(&self) -> &kvm_nested_state {
        &self.header
    }

    /// The bytes behind the header.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let len = HEADER + self.data.len();
        let size = u32::try_from(len).unwrap_or(u32::MAX);
        if len > MOST_BYTES {
            let op = &KVM_SET_NESTED_STATE;
            return Err(Error::with(op, Errno::EINVAL, Cause::Length, size));
        }
        let header = kvm_nested_state {
            size,
            ..self.header
        };
        let mut bytes = Vec::from(header.as_bytes());
        bytes.extend_from_slice(&self.data);
        Ok(bytes)
    }

    /// What the call left in bytes of any length.
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let header = kvm_nested_state::read_from_prefix(bytes);
        let (header, data) = header.unwrap_or((kvm_nested_state::new_zeroed(), &[]));
        let len = (header.size as usize).checked_sub(HEADER);
        match len.and_then(|len| data.get(..len)) {
            Some(data) => Ok(Self::new(&header, data)),
            None => {
                let op = &KVM_GET_NESTED_STATE;
                Err(Error::with(op, Errno::EPROTO, Cause::Length, header.size))
            }
        }
    }
}

impl fmt::Debug for NestedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedState")
            .field("header", &self.header)
            .field("len", &self.data.len())
            .finish_non_exhaustive()
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The state of nested virtualization. Section 4.114; needs `KVM_CAP_NESTED_STATE`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_nested_state(&self) -> Result<NestedState, Error> {
        let op = &KVM_GET_NESTED_STATE;
        let mut len = HEADER + 0x2000;
        loop {
            let size = u32::try_from(len).unwrap_or(u32::MAX);
            let header = kvm_nested_state {
                size,
                ..Default::default()
            };
            let mut bytes = alloc::vec![0; len];
            // As long as the header, at least.
            let _ = header.write_to_prefix(&mut bytes);
            // SAFETY: the argument's `size` says how many bytes it has.
            match unsafe { self.backend().ioctl(op, &mut Arg::Mut(&mut bytes)) } {
                Ok(_) => return NestedState::decode(&bytes),
                Err(Errno::E2BIG) if len < MOST_BYTES => len = MOST_BYTES,
                Err(errno) => return Err(Error::new(op, errno)),
            }
        }
    }

    /// Sets the state of nested virtualization; after CPUID, `EFER`, the special registers and the MSRs of
    /// VMX that it rests on. Section 4.115; needs `KVM_CAP_NESTED_STATE`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let state = vcpu.get_nested_state()?;
    /// assert!(state.data().is_empty(), "no nested guest runs");
    /// vcpu.set_nested_state(&state)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the state contradicts itself or what the guest's CPUID has, or is of the other maker's
    /// processors; [`Cause::Length`] when it is longer than any.
    pub fn set_nested_state(&self, state: &NestedState) -> Result<(), Error> {
        let bytes = state.encode()?;
        // SAFETY: the argument's `size` says how many bytes it has: `encode` puts it there.
        unsafe {
            self.backend()
                .ioctl(&KVM_SET_NESTED_STATE, &mut Arg::In(&bytes))
        }
        .map(|_| ())
        .map_err(|errno| Error::new(&KVM_SET_NESTED_STATE, errno))
    }
}
