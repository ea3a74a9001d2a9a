//! [`Step`]: one thing that a guest does.

use std::fmt;
use std::panic::Location;

use kvm_core::Errno;
use kvm_exit::{Exit, GuestArch, IoIn, IoOut, MmioRead, MmioWrite, Page, Unencodable};
use zerocopy::{Immutable, IntoBytes};

use super::barrier::{Barrier, Meeting};
use super::scripted::{Frame, complement};
use crate::model::guest::NativeModel;

/// One thing that a scripted guest does: what makes `KVM_RUN` return, and how the VMM has to answer.
///
/// A list of steps is given to [`Model::script`](crate::Model::script); each entry of the vCPU takes the
/// next one. A step knows its place in the source, so that a failure can name it.
///
/// ```
/// use kvm_core::{Exit, Kvm};
/// use kvm_mock::{Model, Step};
///
/// let model = Model::new();
/// model.script(0, [
///     Step::io_out(0x70, [0x0a]),
///     Step::io_in(0x71, [0x26]),
///     Step::mmio_write(0xd000_0000, 7u32.to_le_bytes()),
///     Step::hlt(),
/// ]);
/// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
/// loop {
///     match vcpu.run()?.0 {
///         Exit::IoIn(io) => io.data.fill(0x26),
///         Exit::Hlt => break,
///         _ => {}
///     }
/// }
/// model.verify()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Step<G: GuestArch = NativeModel> {
    pub(super) frame: Frame,
    pub(super) leaves: Leaves<G>,
    pub(super) reply: Reply<G>,
}

type Encode<G> = dyn Fn(&mut Page<G>) -> Result<(), Unencodable> + Send;

/// What the guest does in the end.
pub(super) enum Leaves<G: GuestArch> {
    Io {
        out: bool,
        port: u16,
        width: Option<u8>,
        data: Vec<u8>,
    },
    Mmio {
        write: bool,
        addr: u64,
        data: Vec<u8>,
    },
    Exit(Box<Encode<G>>),
    Plain(Exit<'static, G>),
    /// `KVM_RUN` fails, and no exit is written.
    Nothing,
    /// The vCPU waits.
    Block,
    /// The vCPU waits for others, and goes on.
    Meet(Meeting),
}

type Check<G> = dyn Fn(&Exit<'_, G>) -> bool + Send;

/// How the VMM has to answer.
pub(super) enum Reply<G: GuestArch> {
    /// Not at all.
    None,
    /// With these bytes as the data of the exit.
    Data(Vec<u8>),
    /// So that this holds for the exit.
    Check(Box<Check<G>>),
}

impl<G: GuestArch> Step<G> {
    #[track_caller]
    fn new(leaves: Leaves<G>) -> Self {
        Self {
            frame: Frame {
                place: Location::caller(),
                errno: None,
                writes: Vec::new(),
                finds: Vec::new(),
                expects: Vec::new(),
                state: Vec::new(),
                state_then: Vec::new(),
                registers: Vec::new(),
                registers_then: Vec::new(),
                goes_on: false,
                in_kernel: false,
                ended: Vec::new(),
            },
            leaves,
            reply: Reply::None,
        }
    }

    /// The guest writes `data` to a port: in one access when they are 1, 2 or 4 bytes, else byte by byte, as
    /// `rep outsb` does; see [`width`](Self::width).
    #[track_caller]
    pub fn io_out(port: u16, data: impl Into<Vec<u8>>) -> Self {
        Self::new(Leaves::Io {
            out: true,
            port,
            width: None,
            data: data.into(),
        })
    }

    /// The guest reads a port, and the VMM has to answer with `reply`: in one access when they are 1, 2 or 4
    /// bytes, else byte by byte, as `rep insb` does; see [`width`](Self::width).
    #[track_caller]
    pub fn io_in(port: u16, reply: impl Into<Vec<u8>>) -> Self {
        let data = reply.into();
        Self {
            reply: Reply::Data(data.clone()),
            ..Self::new(Leaves::Io {
                out: false,
                port,
                width: None,
                data,
            })
        }
    }

    /// The guest writes from 1 to 8 bytes to an address that has no memory.
    #[track_caller]
    pub fn mmio_write(addr: u64, data: impl Into<Vec<u8>>) -> Self {
        Self::new(Leaves::Mmio {
            write: true,
            addr,
            data: data.into(),
        })
    }

    /// The guest reads from 1 to 8 bytes from an address that has no memory, and the VMM has to answer with
    /// `reply`.
    #[track_caller]
    pub fn mmio_read(addr: u64, reply: impl Into<Vec<u8>>) -> Self {
        let data = reply.into();
        Self {
            reply: Reply::Data(data.clone()),
            ..Self::new(Leaves::Mmio {
                write: false,
                addr,
                data,
            })
        }
    }

    #[track_caller]
    pub(super) fn plain(exit: Exit<'static, G>) -> Self {
        Self::new(Leaves::Plain(exit))
    }

    /// The guest halts.
    #[track_caller]
    pub fn hlt() -> Self {
        Self::plain(Exit::Hlt)
    }

    /// The guest is beyond help, as after a triple fault.
    #[track_caller]
    pub fn shutdown() -> Self {
        Self::plain(Exit::Shutdown)
    }

    /// A debug event.
    #[track_caller]
    pub fn debug(event: G::Debug) -> Self {
        Self::plain(Exit::Debug(event))
    }

    /// Any exit: `encode` writes it into the page, mostly by [`Page::encode`].
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm, kvm_exit::MsrRead};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::exit(|page| page.encode(&Exit::X86Rdmsr(MsrRead {
    ///     index: 0x8b,
    ///     reason: Default::default(),
    ///     data: &mut 0,
    ///     error: &mut 0,
    /// })))
    /// .answered(|exit| matches!(exit, Exit::X86Rdmsr(msr) if *msr.data == 7))]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::X86Rdmsr(msr), _) = vcpu.run()? {
    ///     *msr.data = 7;
    /// }
    /// assert_eq!(vcpu.complete()?, None);
    /// model.verify()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn exit(encode: impl Fn(&mut Page<G>) -> Result<(), Unencodable> + Send + 'static) -> Self {
        Self::new(Leaves::Exit(Box::new(encode)))
    }

    /// `KVM_RUN` fails, and the page is left as it is.
    #[track_caller]
    pub fn errno(errno: Errno) -> Self {
        Self::new(Leaves::Nothing).fails(errno)
    }

    /// The vCPU waits until it is kicked or its thread gets a signal; then `KVM_RUN` fails with `EINTR`. A kick
    /// that came before the entry ends the wait too.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::block(), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// let kicker = vcpu.kicker();
    /// std::thread::spawn(move || kicker.kick());
    /// assert_eq!(vcpu.run()?.0, Exit::Interrupted);
    /// assert_eq!(vcpu.run()?.0, Exit::Hlt);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[track_caller]
    pub fn block() -> Self {
        Self::new(Leaves::Block)
    }

    /// The vCPU waits inside `KVM_RUN` until as many as the barrier is for have come to it; then all go on with their
    /// next steps. What the step does to memory it does after that. A kick ends the entry, and the vCPU waits on in its
    /// next one.
    #[track_caller]
    pub fn meets(barrier: &Barrier) -> Self {
        Self::new(Leaves::Meet(Meeting::at(barrier)))
    }

    /// `KVM_RUN` fails although there is an exit, as it does with a memory fault.
    ///
    /// ```
    /// use kvm_core::{Errno, Exit, Kvm, kvm_exit::MemoryFault};
    /// use kvm_mock::{Model, Step};
    ///
    /// let fault = MemoryFault { flags: Default::default(), gpa: 0x1000, size: 0x1000 };
    /// let model = Model::new();
    /// model.script(0, [
    ///     Step::exit(move |page| page.encode(&Exit::MemoryFault(fault))).fails(Errno::EFAULT),
    /// ]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// assert_eq!(vcpu.run()?.0, Exit::MemoryFault(fault));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn fails(mut self, errno: Errno) -> Self {
        self.frame.errno = Some(errno);
        self
    }

    /// The width of one access in bytes, for port I/O: 1, 2 or 4.
    #[must_use]
    pub fn width(mut self, bytes: u8) -> Self {
        if let Leaves::Io { width, .. } = &mut self.leaves {
            *width = Some(bytes);
        }
        self
    }

    /// Before this step the guest wrote `bytes` to its memory at a guest-physical address.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::hlt().finds_memory(0x1000, [1]).writes_memory(0x1000, [2])]);
    /// let vm = Kvm::with(model.clone())?.create_vm()?;
    /// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
    /// vm.write_memory(GuestAddress(0x1000), &[1])?;
    /// vm.create_vcpu(0)?.run()?;
    ///
    /// let mut byte = [0];
    /// vm.read_memory(GuestAddress(0x1000), &mut byte)?;
    /// assert_eq!(byte, [2]);
    /// model.verify()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn writes_memory(mut self, address: u64, bytes: impl Into<Vec<u8>>) -> Self {
        self.frame.writes.push((address, bytes.into()));
        self
    }

    /// What `KVM_GET_ONE_REG` gives for this id at this step's exit.
    #[must_use]
    pub fn with_register(mut self, id: u64, value: impl IntoBytes + Immutable) -> Self {
        let register = (id, value.as_bytes().to_vec());
        self.frame.registers.push(register);
        self
    }

    /// What `KVM_GET_ONE_REG` gives for this id once the access is complete: after the next entry, or
    /// [`Vcpu::complete`](kvm_core::Vcpu::complete).
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_core::kvm_exit::Riscv64;
    /// use kvm_core::riscv64::register;
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::<Riscv64>::default();
    /// model.script(0, [
    ///     Step::mmio_read(0x1000_0005, [0x60]).register_then(register::A0, 0x60u64),
    /// ]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::MmioRead(read), _) = vcpu.run()? {
    ///     read.data.fill(0x60);
    /// }
    /// assert_eq!(vcpu.complete()?, None);
    /// assert_eq!(vcpu.get_reg::<u64>(register::A0)?, 0x60);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn register_then(mut self, id: u64, value: impl IntoBytes + Immutable) -> Self {
        let register = (id, value.as_bytes().to_vec());
        self.frame.registers_then.push(register);
        self
    }

    /// How the VMM has to answer an exit that is no port read and no MMIO read: `check` has to hold for it
    /// when the vCPU is entered again.
    #[must_use]
    pub fn answered(self, check: impl Fn(&Exit<'_, G>) -> bool + Send + 'static) -> Self {
        Self {
            reply: Reply::Check(Box::new(check)),
            ..self
        }
    }

    /// The access goes on in the next step, as one that crosses a page does: completing this one gives that
    /// exit, even where the guest is not to run.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [
    ///     Step::mmio_write(0xd000_0ffe, [1, 2]).goes_on(),
    ///     Step::mmio_write(0xd000_1000, [3, 4]),
    /// ]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.run()?;
    /// assert!(matches!(vcpu.complete()?, Some(Exit::MmioWrite(_))));
    /// assert_eq!(vcpu.complete()?, None);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn goes_on(mut self) -> Self {
        self.frame.goes_on = true;
        self
    }

    /// The write is one that the VMM has asked the kernel to take, so that there is no exit: by
    /// [`register_ioevent`](kvm_core::Vm::register_ioevent) or
    /// [`register_coalesced_mmio`](kvm_core::Vm::register_coalesced_mmio).
    ///
    /// Such a write never exits. This says that the step has to be one, or else the run fails.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Mismatch, Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::mmio_write(0xd000_0000, [1]).in_kernel()]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// assert!(vcpu.run().is_err());
    /// assert_eq!(*model.outcome().unwrap_err().mismatch(), Mismatch::Exits);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn in_kernel(mut self) -> Self {
        self.frame.in_kernel = true;
        self
    }

    /// Before this step the guest ended the interrupt of `gsi`: the eventfds that the VMM
    /// [registered](kvm_core::Vm::register_irqfd_with_resample) to be told of it are signalled.
    #[must_use]
    pub fn ends_interrupt(mut self, gsi: u32) -> Self {
        self.frame.ended.push(gsi);
        self
    }

    /// Calls `f` with the exit, if the step knows it. The data of a read are the complement of the reply,
    /// so that a VMM that does not answer is found out.
    pub(super) fn as_exit<R>(&self, f: impl FnOnce(&Exit<'_, G>) -> R) -> Option<R> {
        Some(match &self.leaves {
            Leaves::Io {
                out,
                port,
                width,
                data,
            } => {
                let port = *port;
                let size = width.unwrap_or(match data.len() {
                    2 => 2,
                    4 => 4,
                    _ => 1,
                });
                if *out {
                    f(&Exit::IoOut(IoOut { port, size, data }))
                } else {
                    let data = &mut complement(data);
                    f(&Exit::IoIn(IoIn { port, size, data }))
                }
            }
            Leaves::Mmio { write, addr, data } => {
                let addr = *addr;
                if *write {
                    f(&Exit::MmioWrite(MmioWrite { addr, data }))
                } else {
                    let data = &mut complement(data);
                    f(&Exit::MmioRead(MmioRead { addr, data }))
                }
            }
            Leaves::Plain(exit) => f(exit),
            Leaves::Exit(_) | Leaves::Nothing | Leaves::Block | Leaves::Meet(_) => return None,
        })
    }
}

/// As the exit it makes, in the words of [`Exit`].
impl<G: GuestArch> fmt::Display for Step<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (
            self.as_exit(|exit| exit.fmt(f)),
            &self.leaves,
            self.frame.errno,
        ) {
            (Some(written), _, _) => written,
            (None, Leaves::Block, _) => f.write_str("block"),
            (None, Leaves::Meet(_), _) => f.write_str("barrier"),
            (None, Leaves::Nothing, Some(errno)) => write!(f, "errno {errno:?}"),
            (None, _, _) => f.write_str("exit"),
        }
    }
}

impl<G: GuestArch> fmt::Debug for Step<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.frame.place)
    }
}
