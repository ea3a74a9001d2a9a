//! [`Vcpu`]: runs a guest, and hands out its exits.
#![expect(unsafe_code, reason = "makes references to the run page")]

use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use core::ptr;

use kvm_exit::{Beside, Exit, GuestArch, Malformed, Page};
use kvm_sys::{KVM_EXIT_MEMORY_FAULT, KVM_EXIT_UNKNOWN, KVM_RUN};

use crate::error::Cause;
use crate::{
    CoalescedPage, DevKvm, Errno, Error, Hypervisor, Kicker, Mapping, Region, Registers, ops, vm,
};

/// A virtual CPU.
///
/// It has two halves: the run page, which [`run`](Self::run) borrows, and the [`Registers`], to which it
/// dereferences and which can be cloned and used from other threads.
pub struct Vcpu<H: Hypervisor = DevKvm> {
    registers: Registers<H>,
    run: RunHalf<H::Guest>,
}

/// An exit, what stands beside it in the page, and the register half.
pub(crate) type WithBeside<'a, H> = (
    Exit<'a, <H as Hypervisor>::Guest>,
    Beside<'a, <H as Hypervisor>::Guest>,
    &'a Registers<H>,
);

/// The run page, as if owned, and the flag in the two bytes before it.
struct RunHalf<G: GuestArch> {
    /// Made from the mapping's raw pointer, never from a reference, so it may reach all of it.
    page: *mut Page<G>,
    /// Keeps the mapping.
    kicker: Kicker,
}

// SAFETY: the page is owned: this type has the only pointer that is ever dereferenced outside `enter`,
// and references made from it are bound to borrows of `self`. The memory is bound to no thread.
unsafe impl<G: GuestArch> Send for RunHalf<G> {}
// SAFETY: as for `Send`; through `&self` the page is only read.
unsafe impl<G: GuestArch> Sync for RunHalf<G> {}

impl<G: GuestArch> RunHalf<G> {
    fn new(mapping: Mapping) -> Option<Self> {
        if mapping.private() > mapping.len() {
            return None;
        }
        let elements = Page::<G>::elements(mapping.private())?;
        // SAFETY: `elements` gives nothing for a length that does not reach past the offset.
        let start = unsafe { mapping.start().add(Page::<G>::OFFSET) }.cast::<u64>();
        if !start.is_aligned() {
            return None;
        }
        let words = ptr::slice_from_raw_parts_mut(start.as_ptr(), elements);
        Some(Self {
            page: Page::cast(words),
            kicker: Kicker::new(mapping),
        })
    }

    #[inline(always)]
    fn page(&self) -> &Page<G> {
        // SAFETY: `new` found the page inside the private bytes of the mapping, which `kicker` keeps, and
        // aligned. Nobody writes to them while `self` is borrowed: the backend does so inside `enter`
        // only, which `Vcpu`, the only one to call it, does with `self` borrowed mutably.
        unsafe { &*self.page }
    }

    #[inline(always)]
    fn page_mut(&mut self) -> &mut Page<G> {
        // SAFETY: as in `page`, and `self` is borrowed mutably, so this is the only reference.
        unsafe { &mut *self.page }
    }

    #[inline(always)]
    fn exit(&mut self) -> Result<Exit<'_, G>, Error> {
        self.page_mut().decode().map_err(malformed)
    }

    /// What an errno of `KVM_RUN` means.
    #[cold]
    fn no_exit(&mut self, errno: Errno) -> Result<Exit<'static, G>, Error> {
        match errno {
            Errno::EINTR => {
                self.kicker.consume();
                Ok(Exit::Interrupted)
            }
            Errno::EAGAIN => Ok(Exit::Again),
            Errno::EFAULT | Errno::EHWPOISON
                if self.page().exit_reason() == KVM_EXIT_MEMORY_FAULT =>
            {
                let Exit::MemoryFault(fault) = self.exit()? else {
                    return Err(Error::new(&KVM_RUN, errno));
                };
                // With any other errno the reason is left over from an earlier exit. So that
                // this one is never taken for it, it goes.
                self.page_mut().set_exit_reason(KVM_EXIT_UNKNOWN);
                Ok(Exit::MemoryFault(fault))
            }
            _ => Err(Error::new(&KVM_RUN, errno)),
        }
    }
}

#[inline(always)]
fn malformed(malformed: Malformed) -> Error {
    let cause = Cause::Malformed(malformed.field);
    Error::with(&KVM_RUN, Errno::EPROTO, cause, 0)
}

impl<H: Hypervisor> Vcpu<H> {
    pub(crate) fn new(vcpu: H, vm: Arc<vm::Inner<H>>) -> Result<Self, Error> {
        let region = Region::Run {
            len: vm.system.run_size,
            private: vm.system.run_private,
        };
        let mapping = vcpu
            .map(region)
            .map_err(|errno| Error::new(&ops::MMAP, errno))?;
        let page_size = usize::try_from(vm.system.page_size).unwrap_or(0);
        let mut ring = vm.coalesced.lock();
        if ring.is_none() {
            *ring = CoalescedPage::of(&mapping, page_size);
        }
        drop(ring);
        let len = u32::try_from(mapping.private()).unwrap_or(u32::MAX);
        let run = RunHalf::new(mapping).ok_or(Error::with(
            &ops::MMAP,
            Errno::EPROTO,
            Cause::Mapping,
            len,
        ))?;
        Ok(Self {
            registers: Registers::new(vcpu, vm),
            run,
        })
    }

    #[inline(always)]
    fn enter(&mut self) -> Result<(), Errno> {
        // SAFETY: the object is a vCPU. References into its private bytes are bound to borrows of
        // `self`, which is borrowed mutably here: none lives, and no other thread is inside.
        unsafe { self.registers.backend().enter() }
    }

    /// Runs the guest until it exits. Section 4.10 and, for the exits, section 5.
    ///
    /// Gives the exit, which borrows the run page, and the register half beside it. What an exit
    /// asks for is answered by writing to its fields before the next run.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::io_in(0x60, [0x1c]), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// loop {
    ///     let (exit, regs) = vcpu.run()?;
    ///     match exit {
    ///         Exit::IoIn(io) if io.port == 0x60 => io.data.fill(0x1c),
    ///         Exit::Hlt => break,
    ///         other => eprintln!("{other} at {:#x}", regs.get_regs()?.rip),
    ///     }
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// `EINTR` (a kick, or a signal) is [`Exit::Interrupted`], `EAGAIN` (a vCPU that waits to be started)
    /// is [`Exit::Again`], and the two errnos that KVM gives with an exit for a memory fault are that
    /// exit.
    ///
    /// # Errors
    ///
    /// What else `KVM_RUN` answers; then the page holds no exit. [`Cause::Malformed`] when the page
    /// says what no KVM says.
    #[inline(always)]
    pub fn run(&mut self) -> Result<(Exit<'_, H::Guest>, &Registers<H>), Error> {
        let registers = &self.registers;
        // SAFETY: as in `enter`.
        match unsafe { registers.backend().enter() } {
            Ok(()) => self.run.page_mut().split().0.decode_then(
                #[inline(always)]
                |exit| match exit {
                    Ok(exit) => Ok((exit, registers)),
                    Err(error) => Err(malformed(error)),
                },
            ),
            Err(errno) => Ok((self.run.no_exit(errno)?, registers)),
        }
    }

    /// Runs the guest until it exits, and hands exit and registers to `handle`: as [`run`](Self::run), for
    /// the tightest loops, since the handler is compiled into each arm of the decoder. A long one only if
    /// it says so: write `#[inline(always)]` before the closure. What decides whether the loop goes on is
    /// best kept outside of the closure, since what that returns is looked at once more behind it.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::io_out(0x3f8, *b"h"), Step::io_out(0x3f8, *b"i"), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// let (mut serial, mut halted) = (Vec::new(), false);
    /// while !halted {
    ///     vcpu.run_with(|exit, _| match exit {
    ///         Exit::IoOut(io) => serial.extend_from_slice(io.data),
    ///         _ => halted = true,
    ///     })?;
    /// }
    /// assert_eq!(serial, b"hi");
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    #[inline(always)]
    pub fn run_with<R>(
        &mut self,
        handle: impl FnOnce(Exit<'_, H::Guest>, &Registers<H>) -> R,
    ) -> Result<R, Error> {
        let registers = &self.registers;
        // SAFETY: as in `enter`.
        match unsafe { registers.backend().enter() } {
            Ok(()) => self.run.page_mut().split().0.decode_then(
                #[inline(always)]
                |exit| match exit {
                    Ok(exit) => Ok(handle(exit, registers)),
                    Err(error) => Err(malformed(error)),
                },
            ),
            Err(errno) => Ok(handle(self.run.no_exit(errno)?, registers)),
        }
    }

    /// Runs the guest until it exits, and goes on when a signal interrupts it: never gives
    /// [`Exit::Interrupted`]. For vCPUs that nobody kicks: a kick ends no run here, and is gone.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::hlt()]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.kicker().kick(); // and nobody sees it
    /// assert_eq!(vcpu.run_uninterrupted()?.0, Exit::Hlt);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    #[inline(always)]
    pub fn run_uninterrupted(&mut self) -> Result<(Exit<'_, H::Guest>, &Registers<H>), Error> {
        let exit = loop {
            match self.enter() {
                Ok(()) => break self.run.exit()?,
                Err(Errno::EINTR) => self.run.kicker.consume(),
                Err(errno) => break self.run.no_exit(errno)?,
            }
        };
        Ok((exit, &self.registers))
    }

    /// As [`run`](Self::run), with what stands beside the exit in the page.
    #[inline(always)]
    pub(crate) fn run_beside(&mut self) -> Result<WithBeside<'_, H>, Error> {
        let registers = &self.registers;
        // SAFETY: as in `enter`.
        match unsafe { registers.backend().enter() } {
            Ok(()) => {
                let (exit, beside) = self.run.page_mut().split();
                exit.decode_then(
                    #[inline(always)]
                    |exit| match exit {
                        Ok(exit) => Ok((exit, beside, registers)),
                        Err(error) => Err(malformed(error)),
                    },
                )
            }
            Err(errno) => {
                let exit = self.run.no_exit(errno)?;
                Ok((exit, self.run.page_mut().split().1, registers))
            }
        }
    }

    /// What stands beside the exit in the page, between runs.
    pub(crate) fn beside(&mut self) -> (Beside<'_, H::Guest>, &Registers<H>) {
        (self.run.page_mut().split().1, &self.registers)
    }

    /// Finishes the I/O of the last exit without running the guest. Gives nothing when it is done, or
    /// a further exit: one access can take several. To be called until it gives nothing before state is
    /// saved; until then registers don't show what the access did.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::io_in(0x60, [0x1c])]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::IoIn(io), _) = vcpu.run()? {
    ///     io.data.fill(0x1c);
    /// }
    /// assert_eq!(vcpu.complete()?, None);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run). Needs `KVM_CAP_IMMEDIATE_EXIT`.
    pub fn complete(&mut self) -> Result<Option<Exit<'_, H::Guest>>, Error> {
        let only = self.kicker().complete_only();
        let entered = self.enter();
        drop(only);
        match entered {
            Ok(()) => self.run.exit().map(Some),
            // A kick that came meanwhile keeps its flag, so the next run sees it. A vCPU that waits to be
            // started has nothing to complete.
            Err(Errno::EINTR | Errno::EAGAIN) => Ok(None),
            Err(errno) => self.run.no_exit(errno).map(Some),
        }
    }

    /// Finishes the I/O of the last exit without running the guest, and hands further exits of the same access
    /// to `handle`: [`complete`](Self::complete) until it gives nothing. The guest can be saved then.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// // A write across the end of a page.
    /// model.script(0, [
    ///     Step::mmio_write(0xd000_0ffe, [1, 2]).goes_on(),
    ///     Step::mmio_write(0xd000_1000, [3, 4]),
    /// ]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// let mut written = Vec::new();
    /// let mut handle = |exit: Exit<'_>| match exit {
    ///     Exit::MmioWrite(write) => written.extend_from_slice(write.data),
    ///     other => eprintln!("{other}"),
    /// };
    /// handle(vcpu.run()?.0);
    /// vcpu.complete_with(|exit, _| handle(exit))?;
    /// assert_eq!(written, [1, 2, 3, 4]);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`complete`](Self::complete).
    pub fn complete_with(
        &mut self,
        mut handle: impl FnMut(Exit<'_, H::Guest>, &Registers<H>),
    ) -> Result<(), Error> {
        let registers = self.registers.clone();
        while let Some(exit) = self.complete()? {
            handle(exit, &registers);
        }
        Ok(())
    }

    /// Asks for [`Exit::IrqWindowOpen`] as soon as the guest can take an interrupt, until it is asked for no
    /// longer. For VMMs that have the interrupt controller themselves, on x86_64: section 5,
    /// `request_interrupt_window`.
    ///
    /// From another thread it counts from the vCPU's next entry, so a [kick](Kicker) goes with it. Whether the
    /// guest can take one now is in the [run page](Self::run_page).
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::exit(|page| page.encode(&Exit::IrqWindowOpen))]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// // A device has an interrupt, and the guest has them off.
    /// vcpu.request_interrupt_window(!vcpu.run_page().ready_for_interrupt_injection());
    /// if let (Exit::IrqWindowOpen, _) = vcpu.run()? {
    ///     vcpu.request_interrupt_window(false); // and inject it
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn request_interrupt_window(&self, on: bool) {
        self.run.kicker.request_interrupt_window(on);
    }

    /// Makes this vCPU return from the guest, from any thread.
    pub fn kicker(&self) -> Kicker {
        self.run.kicker.clone()
    }

    /// The register half, to keep or to give to another thread, a debugger's say.
    ///
    /// Its calls wait while the vCPU runs: the kernel serves one thread at a time.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let registers = vcpu.registers().clone();
    /// let rip = std::thread::spawn(move || Ok::<_, kvm_core::Error>(registers.get_regs()?.rip));
    /// assert_eq!(rip.join().unwrap()?, vcpu.get_regs()?.rip);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn registers(&self) -> &Registers<H> {
        &self.registers
    }

    /// The run page from byte 8 on, as the last run left it.
    pub fn run_page(&self) -> &Page<H::Guest> {
        self.run.page()
    }

    /// The run page from byte 8 on, to be read and written between runs.
    ///
    /// ```
    /// let mut vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// // The next entry takes the task priority from here, if the local APIC is the VMM's.
    /// vcpu.run_page_mut().set_cr8(4);
    /// assert_eq!(vcpu.run_page().cr8(), 4);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn run_page_mut(&mut self) -> &mut Page<H::Guest> {
        self.run.page_mut()
    }
}

impl<H: Hypervisor> Deref for Vcpu<H> {
    type Target = Registers<H>;

    fn deref(&self) -> &Registers<H> {
        &self.registers
    }
}

impl<H: Hypervisor + fmt::Debug> fmt::Debug for Vcpu<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vcpu")
            .field("registers", &self.registers)
            .field("exit_reason", &self.run_page().exit_reason())
            .finish_non_exhaustive()
    }
}
