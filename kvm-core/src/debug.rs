//! Debugging of a guest: single-stepping and breakpoints.

use kvm_exit::GuestArch;

use crate::{Error, Hypervisor, Registers};

/// An architecture whose guests can be debugged. It is one of [`kvm_exit`]'s types.
pub trait DebugGuest: GuestArch {
    /// Its `kvm_guest_debug`: what is turned on, and the breakpoints.
    type GuestDebug;

    #[doc(hidden)]
    fn set_guest_debug<H: Hypervisor>(on: &H, debug: &Self::GuestDebug) -> Result<(), Error>;

    #[doc(hidden)]
    fn stepping(on: bool) -> Self::GuestDebug;
}

impl<H: Hypervisor> Registers<H>
where
    H::Guest: DebugGuest,
{
    /// Turns debugging of the guest on or off: single-stepping, breakpoints. Section 4.87; needs
    /// `KVM_CAP_SET_GUEST_DEBUG`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_core::kvm_sys::aarch64::{
    ///     KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_USE_SW_BP, kvm_guest_debug,
    /// };
    ///
    /// let vm = Kvm::with(kvm_mock::Model::<Aarch64>::default())?.create_vm()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// vcpu.vcpu_init(&vm.get_preferred_target()?)?;
    /// vcpu.set_guest_debug(&kvm_guest_debug {
    ///     control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP,
    ///     ..Default::default()
    /// })?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that the architecture lacks; on x86_64 `EBUSY` when an exception is to be injected and
    /// another one is pending.
    pub fn set_guest_debug(
        &self,
        debug: &<H::Guest as DebugGuest>::GuestDebug,
    ) -> Result<(), Error> {
        H::Guest::set_guest_debug(self.backend(), debug)
    }

    /// Makes the guest exit with [`Exit::Debug`](crate::Exit::Debug) after each instruction, or no longer.
    /// Ends all other debugging of the guest. Section 4.87; needs `KVM_CAP_SET_GUEST_DEBUG`.
    ///
    /// Kernels so far accept it on riscv64, and do not step.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::hlt()]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.set_single_step(true)?;
    /// vcpu.set_single_step(false)?;
    /// assert_eq!(vcpu.run()?.0, Exit::Hlt);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set_guest_debug`](Self::set_guest_debug).
    pub fn set_single_step(&self, on: bool) -> Result<(), Error> {
        self.set_guest_debug(&H::Guest::stepping(on))
    }
}

/// Implements [`DebugGuest`]: the structures differ, and the calls with them.
macro_rules! debug_guest {
    ($guest:ident, $arch:ident) => {
        impl crate::DebugGuest for kvm_exit::$guest {
            type GuestDebug = kvm_sys::$arch::kvm_guest_debug;

            fn set_guest_debug<H: crate::Hypervisor>(
                on: &H,
                debug: &Self::GuestDebug,
            ) -> Result<(), crate::Error> {
                const SET: crate::typed::Set<kvm_sys::$arch::kvm_guest_debug> =
                    crate::typed::Set::new(&kvm_sys::$arch::KVM_SET_GUEST_DEBUG);
                SET.call(on, debug).map(|_| ())
            }

            fn stepping(on: bool) -> Self::GuestDebug {
                use kvm_sys::$arch::{
                    GuestDebugFlags, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP,
                };
                let control = if on {
                    KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
                } else {
                    GuestDebugFlags::empty()
                };
                Self::GuestDebug {
                    control,
                    ..Default::default()
                }
            }
        }
    };
}

pub(crate) use debug_guest;
