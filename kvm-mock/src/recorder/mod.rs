//! [`Recorder`]: passes calls on, and writes down what crossed.
#![expect(unsafe_code, reason = "implements the contract of backends")]

mod dirty;
mod dirty_ring;
mod doorbell;
mod handed;
mod options;
mod run;

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region, ops};
use kvm_sys::op::Op;
use kvm_sys::{KVM_IOEVENTFD, KVM_REGISTER_COALESCED_MMIO, KVM_RESET_DIRTY_RINGS};

use crate::call::Given;
use crate::doorbells::Doorbells;
use crate::format::{Call, Coalesced, Create, DirtyRing, Kind, Map, Pread, Record, Registers};
use crate::handed::HANDED;
use crate::memory::{GuestMemory, changes_slots};
use crate::registers;
use crate::ring::Ring;
use crate::tape::{RecordError, Summary, Tape};
use crate::words;
use dirty_ring::Rings;
pub use options::RecorderOptions;
use run::Run;

/// A backend that passes every call on to another one, and records it.
///
/// What is recorded is described in `FORMAT.md`; a [`Replay`](crate::Replay) answers from it. Each
/// record is the kernel's before the call returns, so a process that is killed loses the last one at most; a host
/// that loses power may lose more. A process that forks goes on recording, its child does not.
///
/// A recorder over a [`Replay`](crate::Replay) writes down again what is replayed. What belongs to exits (guest memory,
/// registers, signals) it takes from there, as far as its options ask for it.
///
/// The recording is ended by [`RecorderHandle::finish`], or else when the last object (system, VM, vCPU,
/// device) is dropped. **A failure to write never disturbs the run**: calls go on being passed on,
/// nothing more is recorded, and `finish` gives the error; so a program that records should ask.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kvm_core::Kvm;
/// use kvm_mock::{Model, Outcome, Recorder, Replay};
///
/// # let file = std::env::temp_dir().join(format!("recorder-{}.kvmrec", std::process::id()));
/// let recorder = Recorder::create(Model::new(), &file)?;
/// let handle = recorder.handle();
/// let slots = Kvm::with(recorder)?.check_extension(kvm_sys::KVM_CAP_NR_MEMSLOTS)?;
/// handle.finish()?;
///
/// let replay = Replay::open(&file)?;
/// let kvm = Kvm::with(replay.clone())?;
/// assert_eq!(kvm.check_extension(kvm_sys::KVM_CAP_NR_MEMSLOTS)?, slots);
/// assert_eq!(replay.outcome(), Outcome::Complete);
/// # std::fs::remove_file(&file)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Recorder<H> {
    inner: Arc<H>,
    /// The VM of a vCPU, if the recorder asks it for dirty pages.
    vm: Option<Arc<H>>,
    stream: u32,
    run: Arc<Mutex<Run>>,
    /// The VM's ring of coalesced writes.
    ring: Ring,
    /// The dirty rings of the VM's vCPUs.
    dirty_rings: Rings,
    /// The VM's ioeventfds, if the recorder keeps them.
    doorbells: Arc<Mutex<Doorbells>>,
    memory: Option<Arc<GuestMemory>>,
    options: RecorderOptions,
    /// The backend is a replay, which hands over what was recorded.
    over_replay: bool,
    alive: Arc<Alive>,
}

/// What the objects of a recorder and its handles share.
#[derive(Debug)]
struct Shared {
    tape: Tape,
    /// The run half of each object that has one.
    runs: Mutex<Vec<Weak<Mutex<Run>>>>,
}

impl Shared {
    fn finish(&self) -> Result<Summary, RecordError> {
        for run in lock(&self.runs).iter().filter_map(Weak::upgrade) {
            lock(&run).abandon(&self.tape);
        }
        self.tape.end()
    }
}

/// What the objects share: the last one to go ends the recording.
#[derive(Debug)]
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        // A failure is kept for the handle, which may ask at any time.
        let _ = self.0.finish();
    }
}

/// Ends a recorder's recording, and says what became of it.
#[derive(Clone, Debug)]
pub struct RecorderHandle(Arc<Shared>);

impl RecorderHandle {
    /// Ends the recording, if it has not ended yet. Calls made later are passed on and not recorded.
    ///
    /// Of a vCPU that is inside the guest, the entry is recorded as one that has not returned.
    ///
    /// # Errors
    ///
    /// The first failure to write, which may have been long ago.
    pub fn finish(&self) -> Result<Summary, RecordError> {
        self.0.finish()
    }
}

impl<H: Hypervisor> Recorder<H> {
    /// Records what `inner`, a system, answers, into a new file. One that exists is replaced.
    ///
    /// # Errors
    ///
    /// As [`RecorderOptions::create`].
    pub fn create(inner: H, path: impl AsRef<Path>) -> Result<Self, RecordError> {
        RecorderOptions::new().create(inner, path)
    }

    /// Records what `inner`, a system, answers, to a writer.
    ///
    /// # Errors
    ///
    /// As [`RecorderOptions::create`].
    pub fn to_writer(inner: H, writer: impl Write + Send + 'static) -> Result<Self, RecordError> {
        RecorderOptions::new().to_writer(inner, writer)
    }

    /// A handle that ends the recording.
    pub fn handle(&self) -> RecorderHandle {
        RecorderHandle(Arc::clone(&self.alive.0))
    }

    /// The backend that answers.
    pub fn inner(&self) -> &H {
        &self.inner
    }

    fn new(
        inner: H,
        stream: u32,
        memory: Option<Arc<GuestMemory>>,
        options: RecorderOptions,
        over_replay: bool,
        alive: Arc<Alive>,
    ) -> Self {
        Self {
            inner: Arc::new(inner),
            vm: None,
            stream,
            run: Arc::new(Mutex::new(Run::new(stream, options.dirty_log, over_replay))),
            ring: Ring::default(),
            dirty_rings: Rings::default(),
            doorbells: Arc::default(),
            memory,
            options,
            over_replay,
            alive,
        }
    }

    fn tape(&self) -> &Tape {
        &self.alive.0.tape
    }

    /// Writes down what guest and kernel changed outside of the run page, as far as the kernel says what.
    fn changed(&self) {
        if let Some(memory) = self.memory.as_ref().filter(|_| self.options.dirty_log) {
            self.harvest(memory);
        }
        self.coalesced();
        self.dirtied();
    }

    /// Writes down what was put into the ring of coalesced writes.
    fn coalesced(&self) {
        let writes = self.ring.take();
        if !writes.is_empty() {
            let mut record = Record::new();
            Coalesced { writes: &writes }.write(&mut record);
            self.tape()
                .append(Kind::Coalesced, self.stream, &mut record);
        }
    }

    /// Writes down what was put into the vCPU's dirty ring.
    fn dirtied(&self) {
        let pages = self.dirty_rings.take(self.stream);
        if !pages.is_empty() {
            let mut record = Record::new();
            DirtyRing::write(&pages, &mut record);
            self.tape()
                .append(Kind::DirtyRing, self.stream, &mut record);
        }
    }

    /// Writes down the registers.
    fn registers(&self) {
        for (op, size) in registers::SETS.into_iter().zip(registers::SIZES) {
            let mut bytes = [0; registers::MOST];
            let Some(bytes) = bytes.get_mut(..size) else {
                continue;
            };
            // SAFETY: this is a vCPU of an x86_64 guest, and the bytes are those of the call's structure.
            if unsafe { self.inner.ioctl(op, &mut Arg::Mut(bytes)) }.is_ok() {
                let mut record = Record::new();
                let op = self.tape().name(op);
                Registers { op, bytes }.write(&mut record);
                self.tape()
                    .append(Kind::Registers, self.stream, &mut record);
            }
        }
    }

    /// The object that the call made.
    fn child(&self, op: &Op, inner: H, stream: u32) -> Self {
        let memory = if *op == kvm_sys::KVM_CREATE_VM {
            let new = || GuestMemory::new(self.tape().page_size(), self.options.unowned);
            self.options.has_memory().then(new)
        } else if *op == kvm_sys::KVM_CREATE_VCPU {
            self.memory.clone()
        } else {
            None
        };
        let vcpu = *op == kvm_sys::KVM_CREATE_VCPU;
        if let (Some(memory), true) = (&memory, vcpu) {
            memory.add_vcpu();
        }
        let child = Self::new(
            inner,
            stream,
            memory,
            self.options,
            self.over_replay,
            Arc::clone(&self.alive),
        );
        Self {
            ring: if vcpu {
                self.ring.clone()
            } else {
                Ring::default()
            },
            dirty_rings: if vcpu {
                self.dirty_rings.clone()
            } else {
                Rings::default()
            },
            doorbells: if vcpu {
                Arc::clone(&self.doorbells)
            } else {
                Arc::default()
            },
            vm: (vcpu && self.options.dirty_log).then(|| Arc::clone(&self.inner)),
            ..child
        }
    }
}

/// Gives the call's record to `write`.
fn with_call<R>(
    op: &'static Op,
    given: &Given,
    arg: &Arg<'_>,
    result: Result<u32, Errno>,
    write: impl FnOnce(Call<'_>) -> R,
) -> R {
    let outputs = given.outputs(op, arg, result.is_ok());
    let mut call = given.call();
    for (buffer, output) in call.buffers.iter_mut().zip(&outputs) {
        buffer.output = output.as_deref();
    }
    match result {
        Ok(returned) => call.returned = returned,
        Err(errno) => call.errno = errno.0,
    }
    write(call)
}

// SAFETY: mappings are the inner backend's own. Its run page is touched inside `enter` only, before
// and after the inner `enter`; guest memory is read through `Span`s, while it is in a slot.
unsafe impl<H: Hypervisor> Hypervisor for Recorder<H> {
    type Guest = H::Guest;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        if [&ops::PAGE_SIZE, &HANDED].contains(&op) {
            // The first one never changes, and the header has it; the second is no call of the VMM's.
            // SAFETY: the caller's promises, passed on.
            return unsafe { self.inner.ioctl(op, arg) };
        }
        if *op == KVM_RESET_DIRTY_RINGS {
            self.dirty_rings.before_reset();
        }
        let given = Given::new(op, arg);
        let logged = self.options.dirty_log && !self.over_replay && dirty::concerns(op);
        let slots = self.memory.as_ref();
        let slots = slots.filter(|_| logged || changes_slots(op));
        // Held through the call, so that nobody looks at memory that it takes back.
        let result = match slots.map(|memory| memory.lock()) {
            _ if self.options.eventfds && !self.over_replay && *op == KVM_IOEVENTFD => {
                doorbell::call(&self.doorbells, arg)
            }
            // SAFETY: the caller's promises, passed on.
            Some(mut slots) if logged => unsafe { self.logged_ioctl(op, arg, &mut slots) },
            slots => {
                // SAFETY: the caller's promises, passed on.
                let result = unsafe { self.inner.ioctl(op, arg) };
                if let (Some(mut slots), Ok(_)) = (slots, result) {
                    // SAFETY: the caller's promises; the objects of the VM own the slots, and use them as
                    // long as they live only.
                    unsafe { slots.learn(arg) };
                }
                result
            }
        };
        if *op == KVM_REGISTER_COALESCED_MMIO && result.is_ok() {
            self.ring.enable();
        }
        let mut record = Record::new();
        let id = self.tape().name(op);
        with_call(op, &given, arg, result, |call| {
            Call { op: id, ..call }.write(&mut record);
        });
        self.tape().append(Kind::Call, self.stream, &mut record);
        result
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        let given = Given::new(op, arg);
        // SAFETY: the caller's promises, passed on.
        let created = unsafe { self.inner.create(op, arg) };
        let result = created.as_ref().map(|_| 0).map_err(|errno| *errno);
        let mut record = Record::new();
        let id = self.tape().name(op);
        with_call(op, &given, arg, result, |call| {
            Create {
                child: 0,
                number: created.as_ref().map_or(-1, H::number),
                call: Call { op: id, ..call },
            }
            .write(&mut record);
        });
        match created {
            Ok(inner) => {
                let stream = self.tape().append_created(self.stream, &mut record);
                Ok(self.child(op, inner, stream))
            }
            Err(errno) => {
                self.tape().append(Kind::Create, self.stream, &mut record);
                Err(errno)
            }
        }
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        let (len, private) = match region {
            Region::Run { len, private } => (len, private),
            Region::DirtyRing { len } => (len, 0),
            // What a guest leaves in a guest_memfd is in no recording, so a replay could not tell it.
            Region::GuestMemfd { .. } => return Err(Errno::EOPNOTSUPP),
        };
        let mapped = if words::in_page(private) > words::MOST {
            Err(Errno::EOVERFLOW)
        } else {
            self.inner.map(region)
        };
        if let (Ok(mapping), Region::DirtyRing { .. }) = (&mapped, region) {
            if !self.over_replay {
                self.dirty_rings.map(self.stream, mapping);
            }
        } else if let Ok(mapping) = &mapped {
            lock(&self.run).map(mapping);
            self.ring.map(mapping, self.tape().page_size());
            let mut runs = lock(&self.alive.0.runs);
            runs.retain(|run| run.strong_count() > 0);
            runs.push(Arc::downgrade(&self.run));
        }
        let mut record = Record::new();
        Map {
            len: len as u64,
            private: private as u64,
            errno: mapped.as_ref().map_or_else(|errno| errno.0, |_| 0),
        }
        .write(&mut record);
        self.tape().append(Kind::Map, self.stream, &mut record);
        mapped
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        let memory = self.memory.as_deref();
        // SAFETY: the caller's promise: nobody refers to the page, and this thread is the one inside.
        unsafe { lock(&self.run).begin(memory, self.tape()) };
        // SAFETY: the caller's promises, passed on.
        let result = unsafe { self.enter_past_doorbells() };
        // SAFETY: as before; the inner backend's `enter` has returned.
        unsafe {
            lock(&self.run).end(result, memory, self.tape(), || {
                if self.over_replay {
                    return self.handed();
                }
                self.changed();
                if self.options.registers {
                    self.registers();
                }
            });
        }
        result
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let result = self.inner.read(offset, buf);
        let n = *result.as_ref().unwrap_or(&0);
        let mut record = Record::new();
        Pread {
            offset,
            room: buf.len() as u64,
            errno: result.map_or_else(|errno| errno.0, |_| 0),
            bytes: buf.get(..n).unwrap_or_default(),
        }
        .write(&mut record);
        self.tape().append(Kind::Read, self.stream, &mut record);
        result
    }

    fn number(&self) -> i32 {
        self.inner.number()
    }
}

/// Locks what no panic leaves half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
