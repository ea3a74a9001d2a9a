//! [`Replay`]: answers from a recording.
#![expect(unsafe_code, reason = "implements the contract of backends")]

mod by_exit;
mod cursor;
mod dirty_ring;
mod enter;
mod handed;
mod order;
mod outcome;
mod recent;
mod shared;
mod strict;

use std::fs;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region, ops};
use kvm_exit::{GuestArch, Native};
use kvm_sys::kvm_ioeventfd;
use kvm_sys::op::{Op, Returns};
use zerocopy::FromBytes;

use crate::call::{self, Given};
use crate::describe;
use crate::doorbells::Doorbells;
use crate::format::{Architecture, Call, Create, Entry, Kind, Map, Pread, Recording, ReplayError};
use crate::handed::HANDED;
use crate::memory::{GuestMemory, changes_slots};
use crate::page::RunMemory;
use crate::ring::Ring;
use crate::signals;
use crate::words;
use cursor::Cursor;
use dirty_ring::Rings;
pub use outcome::{Divergence, Outcome};
use shared::{Shared, lock};

/// A backend that answers from a recording, without a kernel.
///
/// The file is checked whole before anything is answered from it: a damaged byte anywhere is an
/// error with its offset. One that was cut, as by a process that was killed, is replayed up to its
/// end.
///
/// A run that does not do what was recorded **diverges**. The call that does so and all later ones, of
/// every object, fail with [`Errno::DIVERGED`], and [`outcome`](Self::outcome) says where it was, what was
/// recorded and what the run did. What the VMM writes to the run page is compared too, at the next
/// entry.
///
/// An interruption (`EINTR`) comes where it was recorded, and at once. A kick in a replay ends no run
/// that was recorded to end otherwise; it ends the wait of a vCPU that was still inside the guest when
/// the recording was ended.
///
/// Clones are handles on the same object.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kvm_core::{Exit, Kvm};
/// use kvm_mock::{Model, Outcome, Recorder, Replay, Step};
///
/// # let file = std::env::temp_dir().join(format!("replay-{}.kvmrec", std::process::id()));
/// let model = Model::new();
/// model.script(0, [Step::io_in(0x60, [0x1c]), Step::hlt()]);
/// let mut vcpu = Kvm::with(Recorder::create(model, &file)?)?.create_vm()?.create_vcpu(0)?;
/// if let (Exit::IoIn(io), _) = vcpu.run()? {
///     io.data.fill(0x1c);
/// }
/// assert_eq!(vcpu.run()?.0, Exit::Hlt);
/// drop(vcpu);
///
/// let replay = Replay::open(&file)?;
/// let mut vcpu = Kvm::with(replay.clone())?.create_vm()?.create_vcpu(0)?;
/// if let (Exit::IoIn(io), _) = vcpu.run()? {
///     io.data.fill(0x1d);
/// }
/// assert!(vcpu.run().is_err());
/// let Outcome::Diverged(divergence) = replay.outcome() else {
///     panic!("the reply was another one");
/// };
/// assert_eq!(divergence.exit_kind(), Some("KVM_EXIT_IO"));
/// assert_eq!((divergence.recorded(), divergence.given()), ("1c", "1d"));
/// # std::fs::remove_file(&file)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replay<G = Native> {
    shared: Arc<Shared>,
    stream: usize,
    memory: Option<Arc<GuestMemory>>,
    /// The VM's ring of coalesced writes.
    ring: Ring,
    /// The dirty rings of the VM's vCPUs.
    dirty_rings: Rings,
    /// The VM's ioeventfds.
    doorbells: Arc<Mutex<Doorbells>>,
    guest: PhantomData<fn() -> G>,
}

/// How a run is held against its recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Each call of an object is the next one recorded for it. Objects that are created one right
    /// after the other may come in another order. Once a vCPU runs, threads may race for what they share: a
    /// call of an object that is no vCPU, and is not the next one, may then be any that was recorded and is left.
    #[default]
    Strict,
    /// Exits come in their order for each vCPU; what the VMM asks and sets between them is its own
    /// affair, so a recording outlives changes of the VMM.
    ///
    /// A call that was recorded since the vCPU's last exit (for other objects: ever) with the same
    /// input is answered as it was. Another one that gets something is answered with what was set since
    /// the last entry, or else diverges; one that sets something succeeds.
    ByExit,
}

/// How to replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayOptions {
    mode: Mode,
    ordered: bool,
    unowned: bool,
}

impl ReplayOptions {
    /// The default: [`Mode::Strict`], vCPUs independent of each other.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the run is held against the recording.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Whether the exits of all vCPUs come in the order in which they were recorded. If not, which is the default, each
    /// vCPU has an order of its own only.
    ///
    /// A vCPU whose turn it is not waits inside its run; a kick ends the wait with `EINTR`, and another run waits on. If
    /// the VMM never runs the vCPU whose turn it is, the others wait until they are kicked.
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }

    /// The calls come from a program that has made no promise to keep memory mapped that it has put into a slot: the kernel
    /// copies what the guest wrote, and where there is no memory the run diverges. Without effect where there is no
    /// Linux.
    pub fn unowned(mut self, unowned: bool) -> Self {
        self.unowned = unowned;
        self
    }

    /// The system of the recording in a file, of a guest of this host's architecture.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the file, and where.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Replay, ReplayError> {
        self.open_guest(path)
    }

    /// The system of the recording in `bytes`, of a guest of this host's architecture.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the bytes, and where.
    pub fn from_bytes(self, bytes: impl Into<Vec<u8>>) -> Result<Replay, ReplayError> {
        self.guest_from_bytes(bytes)
    }

    /// The system of the recording in a file, of a guest of the architecture `G`.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the file, and where: [`ReplayError::Architecture`] when the
    /// guest is of another architecture.
    pub fn open_guest<G: GuestArch>(
        self,
        path: impl AsRef<Path>,
    ) -> Result<Replay<G>, ReplayError> {
        self.guest_from_bytes(fs::read(path)?)
    }

    /// The system of the recording in `bytes`, of a guest of the architecture `G`.
    ///
    /// # Errors
    ///
    /// As [`open_guest`](Self::open_guest).
    pub fn guest_from_bytes<G: GuestArch>(
        self,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Replay<G>, ReplayError> {
        let recording = Recording::new(bytes.into())?;
        let found = recording.header.architecture;
        let expected = Architecture::from(G::ARCH);
        if found != expected {
            return Err(ReplayError::Architecture { expected, found });
        }
        Ok(Replay {
            shared: Arc::new(Shared::new::<G>(recording, self)),
            stream: 0,
            memory: None,
            ring: Ring::default(),
            dirty_rings: Rings::default(),
            doorbells: Arc::default(),
            guest: PhantomData,
        })
    }
}

impl Replay {
    /// The system of the recording in a file, of a guest of this host's architecture.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the file, and where.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        ReplayOptions::new().open(path)
    }

    /// The system of the recording in `bytes`, of a guest of this host's architecture.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the bytes, and where.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, ReplayError> {
        ReplayOptions::new().from_bytes(bytes)
    }
}

impl<G: GuestArch> Replay<G> {
    /// The system of the recording in a file, of a guest of the architecture `G`.
    ///
    /// # Errors
    ///
    /// As [`ReplayOptions::open_guest`].
    pub fn open_guest(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        ReplayOptions::new().open_guest(path)
    }

    /// The system of the recording in `bytes`, of a guest of the architecture `G`.
    ///
    /// # Errors
    ///
    /// As [`ReplayOptions::open_guest`].
    pub fn guest_from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, ReplayError> {
        ReplayOptions::new().guest_from_bytes(bytes)
    }

    /// What became of the replay so far: of all objects, whichever handle this is.
    pub fn outcome(&self) -> Outcome {
        self.shared.outcome()
    }

    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.shared.cursor(self.stream)
    }

    fn entries(&self) -> &[Entry] {
        self.shared.entries(self.stream)
    }

    fn body(&self, entry: &Entry) -> &[u8] {
        self.shared.recording.body(entry)
    }

    /// Whether the recorded call is this one.
    fn same(&self, op: &Op, recorded: &Call<'_>, given: &Call<'_>) -> bool {
        self.shared.recording.name(recorded.op) == Some(op.name) && call::same(op, recorded, given)
    }

    /// The recorded object that a call returned.
    fn child(&self, op: &Op, create: &Create<'_>, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        call::answer(op, &create.call, arg)?;
        if let (Returns::DescriptorAt(offset), Arg::Mut(head)) = (op.returns, arg) {
            let field = head.get_mut(offset as usize..).unwrap_or_default();
            for (to, from) in field.iter_mut().zip(create.number.to_ne_bytes()) {
                *to = from;
            }
        }
        let memory = if *op == kvm_sys::KVM_CREATE_VM {
            let flags = self.shared.recording.header.flags;
            let new = || {
                let page_size = self.shared.recording.header.page_size;
                GuestMemory::new(page_size, self.shared.unowned)
            };
            flags.memory.then(new)
        } else {
            self.memory.clone()
        };
        Ok(Self {
            shared: Arc::clone(&self.shared),
            stream: usize::try_from(create.child).map_err(|_| Errno::DIVERGED)?,
            memory,
            ring: if *op == kvm_sys::KVM_CREATE_VM {
                Ring::default()
            } else {
                self.ring.clone()
            },
            dirty_rings: if *op == kvm_sys::KVM_CREATE_VM {
                Rings::default()
            } else {
                self.dirty_rings.clone()
            },
            doorbells: if *op == kvm_sys::KVM_CREATE_VM {
                Arc::default()
            } else {
                Arc::clone(&self.doorbells)
            },
            guest: PhantomData,
        })
    }

    /// Takes the record of a mapping or a read that `fits`.
    fn other(
        &self,
        kind: Kind,
        fits: impl Fn(&Entry) -> bool,
        given: impl FnOnce() -> String,
    ) -> Result<&Entry, Errno> {
        let mut cursor = self.cursor();
        let fits = |entry: &Entry| entry.kind == kind && fits(entry);
        match self.shared.mode {
            Mode::Strict => self.strict_other(&mut cursor, fits, given),
            Mode::ByExit => self.other_by_exit(&mut cursor, fits, given),
        }
    }
}

/// A handle on the same object.
impl<G> Clone for Replay<G> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            stream: self.stream,
            memory: self.memory.clone(),
            ring: self.ring.clone(),
            dirty_rings: self.dirty_rings.clone(),
            doorbells: Arc::clone(&self.doorbells),
            guest: PhantomData,
        }
    }
}

// SAFETY: `map` gives a mapping of `RunMemory`, which upholds `Mapping`'s contract; its page is
// touched inside `enter` only; guest memory is written through `Span`s, while it is in a slot.
unsafe impl<G: GuestArch> Hypervisor for Replay<G> {
    type Guest = G;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        self.shared.check()?;
        if *op == ops::PAGE_SIZE {
            return Ok(self.shared.recording.header.page_size);
        }
        if *op == HANDED {
            return self.hand(arg);
        }
        let reset = self.dirty_rings.reset_by(op);
        if let (Some(pages), Mode::ByExit) = (reset, self.shared.mode) {
            return Ok(pages);
        }
        let given = Given::new(op, arg);
        let given = given.call();
        let mut cursor = self.cursor();
        let slots = self.memory.as_ref().filter(|_| changes_slots(op));
        // Held through the call, so that nobody writes to memory that it takes back.
        let slots = slots.map(|memory| memory.lock());
        let result = match self.shared.mode {
            Mode::Strict => self.strict_call(&mut cursor, op, &given, arg),
            Mode::ByExit => self.call_by_exit(&mut cursor, op, &given, arg),
        };
        if *op == kvm_sys::KVM_SET_SIGNAL_MASK && result.is_ok() {
            cursor.run.blocked = signals::blocked(arg);
        }
        if result.is_ok() && *op == kvm_sys::KVM_IOEVENTFD {
            let args =
                call::head(arg).and_then(|(bytes, _)| kvm_ioeventfd::read_from_prefix(bytes).ok());
            // Where there are no eventfds, none can be signalled.
            let _ = args.map(|(args, _)| lock(&self.doorbells).call(&args));
        }
        if let (Some(mut slots), Ok(_)) = (slots, result) {
            // SAFETY: the caller's promises; the objects of the VM own the slots, and use them as long
            // as they live only.
            unsafe { slots.learn(arg) };
        }
        result
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        self.shared.check()?;
        let given = Given::new(op, arg);
        let given = given.call();
        let entry = {
            let mut cursor = self.cursor();
            match self.shared.mode {
                Mode::Strict => self.strict_create(&mut cursor, op, &given)?,
                Mode::ByExit => self.create_by_exit(&mut cursor, op, &given)?,
            }
        };
        let create = Create::read(self.body(entry)).ok_or(Errno::DIVERGED)?;
        self.child(op, &create, arg)
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        self.shared.check()?;
        let (len, private) = match region {
            Region::Run { len, private } => (len, private),
            Region::DirtyRing { len } => (len, 0),
            // As the recorder, which writes nothing about it.
            Region::GuestMemfd { .. } => return Err(Errno::EOPNOTSUPP),
        };
        let (wide_len, wide_private) = (len as u64, private as u64);
        let fits = |entry: &Entry| {
            Map::read(self.body(entry))
                .is_some_and(|map| (map.len, map.private) == (wide_len, wide_private))
        };
        let entry = self.other(Kind::Map, fits, || describe::map(wide_len, wide_private))?;
        match Map::read(self.body(entry)).map(|map| map.errno) {
            Some(0) if words::in_page(private) <= words::MOST => {}
            Some(0) | None => return Err(Errno::EOVERFLOW),
            Some(errno) => return Err(Errno(errno)),
        }
        if let Region::DirtyRing { .. } = region {
            return self.dirty_rings.map(self.stream, len);
        }
        let mut cursor = self.cursor();
        let run = &mut cursor.run;
        if let Some((_, mapping)) = &run.memory {
            if mapping.len() == len && mapping.private() == private.min(len) {
                return Ok(mapping.clone());
            }
        }
        let memory = RunMemory::new::<G>(region)?;
        let mapping = memory.mapping();
        run.shadow = vec![0; words::in_page(mapping.private())];
        let page_size = self.shared.recording.header.page_size;
        self.ring.map(&mapping, page_size);
        lock(&self.shared.waits).push(Arc::downgrade(&memory));
        run.memory = Some((memory, mapping.clone()));
        Ok(mapping)
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        // SAFETY: the caller's promises, passed on.
        unsafe { self.next_exit() }
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        self.shared.check()?;
        let room = buf.len() as u64;
        let fits = |entry: &Entry| {
            Pread::read(self.body(entry))
                .is_some_and(|read| (read.offset, read.room) == (offset, room))
        };
        let entry = self.other(Kind::Read, fits, || describe::read(offset, room))?;
        let read = Pread::read(self.body(entry)).ok_or(Errno::DIVERGED)?;
        if read.errno != 0 {
            return Err(Errno(read.errno));
        }
        for (to, from) in buf.iter_mut().zip(read.bytes) {
            *to = *from;
        }
        Ok(read.bytes.len())
    }

    fn number(&self) -> i32 {
        let stream = self.shared.recording.streams.get(self.stream);
        stream.map_or(-1, |stream| stream.number)
    }
}
