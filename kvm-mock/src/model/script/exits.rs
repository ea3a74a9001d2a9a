//! Steps that leave the guest for less usual reasons. Those of one architecture are in its own file.

use kvm_core::Errno;
use kvm_core::kvm_sys::x86_64::HypercallExitFlags;
use kvm_core::kvm_sys::{self, MemoryFaultFlags};
use kvm_exit::{
    Exit, FailEntry, GuestArch, Hypercall, InternalError, MemoryFault, Page, SystemEvent,
};

use super::Step;

impl<G: GuestArch> Step<G> {
    /// The guest makes a hypercall of KVM's own, and the VMM has to return `reply`.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::hypercall(12, [0x1000, 1, 0, 0, 0, 0], 0), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::Hypercall(call), _) = vcpu.run()? {
    ///     *call.ret = if call.nr == 12 { 0 } else { u64::MAX };
    /// }
    /// assert_eq!(vcpu.run()?.0, Exit::Hlt);
    /// model.verify()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn hypercall(nr: u64, args: [u64; 6], reply: u64) -> Self {
        let encode = move |page: &mut Page<G>| {
            page.encode(&Exit::Hypercall(Hypercall {
                nr,
                args: &args,
                ret: &mut !reply,
                flags: HypercallExitFlags::empty(),
            }))
        };
        Self::exit(encode)
            .answered(move |exit| matches!(exit, Exit::Hypercall(call) if *call.ret == reply))
    }

    /// Something that concerns the whole machine, such as a shutdown that the guest asks for.
    #[track_caller]
    pub fn system_event(kind: kvm_sys::SystemEvent, data: impl Into<Vec<u64>>) -> Self {
        let data = data.into();
        Self::exit(move |page| page.encode(&Exit::SystemEvent(SystemEvent { kind, data: &data })))
    }

    /// The processor refuses to enter the guest.
    #[track_caller]
    pub fn fail_entry(reason: u64, cpu: u32) -> Self {
        let entry = FailEntry {
            hardware_entry_failure_reason: reason,
            cpu,
        };
        Self::exit(move |page| page.encode(&Exit::FailEntry(entry)))
    }

    /// KVM does not know how to go on.
    #[track_caller]
    pub fn internal_error(suberror: kvm_sys::InternalError, data: impl Into<Vec<u64>>) -> Self {
        let data = data.into();
        Self::exit(move |page| {
            page.encode(&Exit::InternalError(InternalError {
                suberror,
                data: &data,
            }))
        })
    }

    /// The guest touches memory that KVM can't give it: `KVM_RUN` fails with `EFAULT`, and there is an exit.
    #[track_caller]
    pub fn memory_fault(gpa: u64, size: u64, flags: MemoryFaultFlags) -> Self {
        let fault = MemoryFault { flags, gpa, size };
        Self::exit(move |page| page.encode(&Exit::MemoryFault(fault))).fails(Errno::EFAULT)
    }
}
