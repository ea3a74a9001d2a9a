//! [`Log`]: keeps the calls, for tests of their order.
#![expect(unsafe_code, reason = "implements the contract of backends")]

mod entry;
mod order;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region, ops};
use kvm_exit::{AnyPage, GuestArch};
use kvm_sys::op::Op;
use kvm_sys::{KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_RUN};

use crate::call::Given;
use crate::handed::HANDED;
use crate::{describe, page};
pub use entry::LogEntry;
pub use order::OutOfOrder;

/// A backend that passes every call on to another one, and keeps it in a [`CallLog`].
///
/// ```
/// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
/// use kvm_mock::{Log, Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::io_out(0x3f8, *b"H")]);
/// let log = Log::new(model);
/// let calls = log.calls();
///
/// let vm = Kvm::with(log)?.create_vm()?;
/// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x10000)?)?;
/// vm.create_vcpu(0)?.run()?;
///
/// calls.in_order(&[&kvm_sys::KVM_SET_USER_MEMORY_REGION, &kvm_sys::KVM_RUN]).unwrap();
/// let last = calls.entries().pop().unwrap();
/// assert_eq!(last.to_string(), "vCPU 0: KVM_RUN = io out 0x3f8 <- 48");
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Log<H> {
    inner: H,
    calls: CallLog,
    object: Arc<str>,
    run: OnceLock<Mapping>,
}

/// What a [`Log`] keeps. Clones are handles on the same log.
#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Mutex<Vec<LogEntry>>>);

impl CallLog {
    /// The calls, in the order in which they returned.
    pub fn entries(&self) -> Vec<LogEntry> {
        self.lock().clone()
    }

    /// How often `op` was called.
    pub fn count(&self, op: &Op) -> usize {
        self.lock().iter().filter(|entry| entry.op == op).count()
    }

    /// Forgets the calls so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Whether, of each two neighbours in `ops`, the second was called, and never before the first had succeeded.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::{Log, Model};
    /// use kvm_sys::{KVM_CREATE_VCPU, KVM_SET_TSS_ADDR};
    ///
    /// let log = Log::new(Model::new());
    /// let calls = log.calls();
    /// let vm = Kvm::with(log)?.create_vm()?;
    /// vm.create_vcpu(0)?;
    /// let error = calls.in_order(&[&KVM_SET_TSS_ADDR, &KVM_CREATE_VCPU]).unwrap_err();
    /// assert!(error.to_string().starts_with("KVM_SET_TSS_ADDR never succeeded"));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OutOfOrder`], which shows the calls.
    pub fn in_order(&self, ops: &[&'static Op]) -> Result<(), OutOfOrder> {
        order::check(&self.lock(), ops)
    }

    fn keep(&self, entry: LogEntry) {
        self.lock().push(entry);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LogEntry>> {
        // What a panic elsewhere leaves is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: Hypervisor> Log<H> {
    /// Keeps the calls on `inner`, a system, and on what it makes.
    pub fn new(inner: H) -> Self {
        Self::with(inner, CallLog::default(), "system".into())
    }

    /// The calls.
    pub fn calls(&self) -> CallLog {
        self.calls.clone()
    }

    /// The backend that answers.
    pub fn inner(&self) -> &H {
        &self.inner
    }

    fn with(inner: H, calls: CallLog, object: Arc<str>) -> Self {
        Self {
            inner,
            calls,
            object,
            run: OnceLock::new(),
        }
    }

    fn keep(
        &self,
        op: &'static Op,
        call: String,
        result: Result<u32, Errno>,
        gave: Option<String>,
    ) {
        self.calls.keep(LogEntry {
            object: Arc::clone(&self.object),
            op,
            call,
            result,
            gave,
        });
    }

    /// The exit in the run page.
    ///
    /// # Safety
    ///
    /// The caller is inside `enter` of this vCPU.
    unsafe fn exit(&self) -> Option<String> {
        let decode = |words: &mut [u64]| {
            let mut page = AnyPage::from_words(H::Guest::ARCH, words).ok()?;
            Some(match page.decode() {
                Ok(exit) => exit.to_string(),
                Err(malformed) => malformed.to_string(),
            })
        };
        // SAFETY: the caller's promise.
        unsafe { page::with_page(self.run.get()?, decode) }
    }
}

// SAFETY: all is passed on as it came. The run page is read inside `enter` only.
unsafe impl<H: Hypervisor> Hypervisor for Log<H> {
    type Guest = H::Guest;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let given = Given::new(op, arg);
        // SAFETY: the caller's promises, passed on.
        let result = unsafe { self.inner.ioctl(op, arg) };
        if ![&ops::PAGE_SIZE, &HANDED].contains(&op) {
            let call = describe::call(op.name, &given.call(), None);
            let gave = result.ok().and_then(|_| {
                let outputs = given.outputs(op, arg, true);
                let changed = outputs.into_iter().flatten().next()?;
                Some(describe::hex(&changed))
            });
            self.keep(op, call, result, gave);
        }
        result
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        let given = Given::new(op, arg);
        // SAFETY: the caller's promises, passed on.
        let created = unsafe { self.inner.create(op, arg) };
        let call = describe::call(op.name, &given.call(), None);
        match created {
            Ok(inner) => {
                let object: Arc<str> = if *op == KVM_CREATE_VM {
                    "VM".into()
                } else if *op == KVM_CREATE_VCPU {
                    format!("vCPU {}", given.call().value).into()
                } else {
                    format!("object of {op}").into()
                };
                self.keep(op, call, Ok(0), Some(object.to_string()));
                Ok(Self::with(inner, self.calls.clone(), object))
            }
            Err(errno) => {
                self.keep(op, call, Err(errno), None);
                Err(errno)
            }
        }
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        let mapped = self.inner.map(region);
        let call = match region {
            Region::Run { len, private } => {
                if let Ok(mapping) = &mapped {
                    // A vCPU that is mapped again has the same page.
                    let _ = self.run.set(mapping.clone());
                }
                describe::map(len as u64, private as u64)
            }
            Region::DirtyRing { len } => format!("mmap of a ring of {len} bytes"),
            Region::GuestMemfd { len } => format!("mmap of {len} bytes of guest memory"),
        };
        let result = mapped.as_ref().map(|_| 0).map_err(|errno| *errno);
        self.keep(&ops::MMAP, call, result, None);
        mapped
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        // SAFETY: the caller's promises, passed on.
        let result = unsafe { self.inner.enter() };
        let exit = match result {
            // SAFETY: the caller's promise: this is inside `enter`.
            Ok(()) => unsafe { self.exit() },
            Err(_) => None,
        };
        self.keep(&KVM_RUN, KVM_RUN.name.to_owned(), result.map(|()| 0), exit);
        result
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let result = self.inner.read(offset, buf);
        let call = describe::read(offset, buf.len() as u64);
        let returned = result.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        self.keep(&ops::READ, call, returned, None);
        result
    }

    fn number(&self) -> i32 {
        self.inner.number()
    }
}
