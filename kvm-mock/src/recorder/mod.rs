//! [`Recorder`]: passes calls on, and writes down what crossed.
#![expect(unsafe_code, reason = "implements the contract of backends")]

mod dirty;
mod doorbell;
mod run;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region, ops};
use kvm_exit::GuestArch;
use kvm_sys::op::Op;
use kvm_sys::{KVM_IOEVENTFD, KVM_REGISTER_COALESCED_MMIO};

use crate::call::Given;
use crate::doorbells::Doorbells;
use crate::format::{
    Call, Coalesced, Create, FileHeader, Flags, Kind, Map, Pread, Record, Registers,
};
use crate::memory::{GuestMemory, changes_slots};
use crate::registers;
use crate::ring::Ring;
use crate::tape::{RecordError, Sink, Summary, Tape};
use crate::words;
use run::Run;

/// A backend that passes every call on to another one, and records it.
///
/// What is recorded is described in `FORMAT.md`; a [`Replay`](crate::Replay) answers from it. Each
/// record is the kernel's before the call returns, so a process that is killed loses the last one at most; a host
/// that loses power may lose more. A process that forks goes on recording, its child does not.
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
    /// The VM's ioeventfds, if the recorder keeps them.
    doorbells: Arc<Mutex<Doorbells>>,
    memory: Option<Arc<GuestMemory>>,
    options: RecorderOptions,
    alive: Arc<Alive>,
}

/// How to record. The defaults are those of [`Recorder::create`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderOptions {
    memory: bool,
    dirty_log: bool,
    registers: bool,
    eventfds: bool,
    times: bool,
    unowned: bool,
}

impl RecorderOptions {
    /// The defaults: neither guest memory nor times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also records what guest and kernel write to guest memory, so that a VMM that reads it finds it in
    /// a replay, and a checksum of what the VMM writes, so that a replay notices when it writes
    /// something else.
    ///
    /// All memory is compared with a copy at each entry and each exit: for guests of some megabytes. The copy has what was
    /// ever not zero.
    pub fn memory(mut self, memory: bool) -> Self {
        self.memory = memory;
        self
    }

    /// Also records what guest and kernel write to guest memory, as [`memory`](Self::memory) does, but finds it by the
    /// kernel's dirty log: for guests of any size.
    ///
    /// The recorder has the kernel log each slot, and takes the dirty pages after each exit: one call for each slot,
    /// and small pages in the host's tables. The VMM sees the dirty logs that it asks for, and no others. Whole pages
    /// are recorded, as they are after the exit, packed as what differs from the page as it was recorded last. What
    /// the VMM writes is not compared in a replay. Where there can be no log (private memory, a VM with dirty rings),
    /// memory is compared with a copy, as `memory` does. What others than guest and kernel write, as a device does that
    /// another process emulates, is in no log.
    ///
    /// A recorder over a replay gets no dirty pages: to record a replay, use `memory`.
    pub fn dirty_log(mut self, dirty_log: bool) -> Self {
        self.dirty_log = dirty_log;
        self
    }

    /// Also records the guest's writes that signal an eventfd (`KVM_IOEVENTFD`), so that a replay signals it.
    ///
    /// The kernel would not tell of them: the recorder keeps these eventfds from it. Each such write is an exit, which the
    /// recorder matches, signals, writes down and enters again; the VMM does not see it. It costs as much as an exit
    /// does. A replay signals the eventfd when it gives the next exit, after guest memory is as it was at the write.
    ///
    /// A recorder over a replay sees none of them.
    pub fn eventfds(mut self, eventfds: bool) -> Self {
        self.eventfds = eventfds;
        self
    }

    /// Also records the registers after each exit, as `KVM_GET_REGS` and `KVM_GET_SREGS` give them: two calls more. Tools
    /// show them, and a replay by exit answers from them what was not asked when it was recorded. For guests of x86_64.
    ///
    /// A recorder over a replay gets none.
    pub fn registers(mut self, registers: bool) -> Self {
        self.registers = registers;
        self
    }

    /// The calls come from a program that has made no promise to keep memory mapped that it has put into a slot: the kernel
    /// copies it, and what is no longer there is not recorded. Without effect where there is no Linux.
    pub fn unowned(mut self, unowned: bool) -> Self {
        self.unowned = unowned;
        self
    }

    /// Also records when each entry began and ended: 16 bytes for each, and two looks at the clock.
    ///
    /// Times differ from run to run, so only recordings without them are the same byte for byte when the run is
    /// the same, as that of a replay is.
    pub fn times(mut self, times: bool) -> Self {
        self.times = times;
        self
    }

    /// Records what `inner`, a system, answers, into a new file. One that exists is replaced.
    ///
    /// On Linux the end of the file is mapped, and a record is a copy into it, not a system call, where the file
    /// system can set room aside (`fallocate`). The file is longer than what was recorded until it is ended, and
    /// must not be made shorter by others: the process would get a `SIGBUS`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Io`] when the file can't be created or written, [`RecordError::PageSize`] when
    /// the backend does not answer.
    pub fn create<H: Hypervisor>(
        self,
        inner: H,
        path: impl AsRef<Path>,
    ) -> Result<Recorder<H>, RecordError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // A mapping has to be readable, and a pipe must not be.
        if fs::metadata(&path).map_or(true, |about| about.is_file()) {
            options.read(true);
        }
        self.to_sink(inner, Sink::file(options.open(path)?))
    }

    /// Records what `inner`, a system, answers, to a writer. Each record is one call of `write_all`,
    /// the last is followed by `flush`.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn to_writer<H: Hypervisor>(
        self,
        inner: H,
        writer: impl Write + Send + 'static,
    ) -> Result<Recorder<H>, RecordError> {
        self.to_sink(inner, Sink::Writer(Box::new(writer)))
    }

    fn has_memory(self) -> bool {
        self.memory || self.dirty_log
    }

    fn to_sink<H: Hypervisor>(self, inner: H, sink: Sink) -> Result<Recorder<H>, RecordError> {
        if self.registers && H::Guest::ARCH != kvm_sys::Arch::X86_64 {
            return Err(RecordError::Registers);
        }
        // SAFETY: the call takes nothing.
        let page_size = unsafe { inner.ioctl(&ops::PAGE_SIZE, &mut Arg::None) }
            .map_err(RecordError::PageSize)?;
        let header = FileHeader {
            architecture: H::Guest::ARCH.into(),
            page_size,
            flags: Flags {
                memory: self.has_memory(),
                times: self.times,
            },
        };
        let shared = Shared {
            tape: Tape::new(sink, &header)?,
            runs: Mutex::default(),
        };
        let alive = Arc::new(Alive(Arc::new(shared)));
        Ok(Recorder::new(inner, 0, None, self, alive))
    }
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
        alive: Arc<Alive>,
    ) -> Self {
        Self {
            inner: Arc::new(inner),
            vm: None,
            stream,
            run: Arc::new(Mutex::new(Run::new(stream, options.dirty_log))),
            ring: Ring::default(),
            doorbells: Arc::default(),
            memory,
            options,
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
        let child = Self::new(inner, stream, memory, self.options, Arc::clone(&self.alive));
        Self {
            ring: if vcpu {
                self.ring.clone()
            } else {
                Ring::default()
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
        if *op == ops::PAGE_SIZE {
            // Never changes; the header has it.
            // SAFETY: the caller's promises, passed on.
            return unsafe { self.inner.ioctl(op, arg) };
        }
        let given = Given::new(op, arg);
        let logged = self.options.dirty_log && dirty::concerns(op);
        let slots = self.memory.as_ref();
        let slots = slots.filter(|_| logged || changes_slots(op));
        // Held through the call, so that nobody looks at memory that it takes back.
        let result = match slots.map(|memory| memory.lock()) {
            _ if self.options.eventfds && *op == KVM_IOEVENTFD => {
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
        // What a guest leaves in a dirty ring is in no recording, so a replay could not tell it.
        let Region::Run { len, private } = region else {
            return Err(Errno::EOPNOTSUPP);
        };
        let mapped = if words::in_page(private) > words::MOST {
            Err(Errno::EOVERFLOW)
        } else {
            self.inner.map(region)
        };
        if let Ok(mapping) = &mapped {
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
