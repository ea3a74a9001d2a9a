//! [`Memory`]: a handle on bytes that a guest may use, and [`Backing`], what may stand behind it.
#![expect(unsafe_code, reason = "a backing is trusted to own its bytes")]

use alloc::sync::Arc;
use core::any::TypeId;
use core::fmt;
use core::ptr::NonNull;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::Span;

/// Something that can be given to a guest as memory.
///
/// # Safety
///
/// As long as the value lives, moved or not, the [`len`](Self::len) bytes at [`start`](Self::start)
/// are initialised, readable and writable, and both numbers stay the same. A [`Memory`] that owns the
/// value calls no other method of it; as long as nobody else does, nothing in the process touches the
/// bytes but through [`Span`]s.
pub unsafe trait Backing: Send + Sync + 'static {
    /// The first byte.
    fn start(&self) -> NonNull<u8>;

    /// Length in bytes.
    fn len(&self) -> usize;

    /// Whether there is no byte in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A [`Backing`] whose type can be asked for.
trait Erased: Backing {
    fn id(&self) -> TypeId;
}

impl<B: Backing> Erased for B {
    fn id(&self) -> TypeId {
        TypeId::of::<B>()
    }
}

/// A handle on bytes that a guest may use as its memory.
///
/// A guest changes its memory when it likes, so no Rust reference to the bytes exists while they are
/// behind such a handle: they are copied in and out. Clones are handles on the same bytes; the VM
/// holds one while the memory is in a slot. When the last handle is left,
/// [`try_into_inner`](Self::try_into_inner) gives the backing, and with it slices, back.
///
/// ```
/// use kvm_core::{AnonymousMemory, Memory};
///
/// let mut ram = AnonymousMemory::new(0x2000)?;
/// ram.as_mut_slice()[..4].copy_from_slice(b"boot");
/// let memory = Memory::from(ram);
/// let mut bytes = [0; 4];
/// assert!(memory.read(0, &mut bytes));
/// assert_eq!(&bytes, b"boot");
/// assert!(!memory.read(0x1fff, &mut bytes), "not all inside");
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Memory {
    span: Span,
    backing: Arc<dyn Erased>,
}

impl Memory {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.span.len()
    }

    /// Whether there is no byte in it.
    pub fn is_empty(&self) -> bool {
        self.span.is_empty()
    }

    /// The host address of the first byte.
    pub fn host_address(&self) -> u64 {
        self.backing.start().as_ptr().expose_provenance() as u64
    }

    /// Copies the bytes from `offset` on into `to`. Says whether they all are inside; if not nothing is
    /// copied.
    #[must_use]
    pub fn read(&self, offset: usize, to: &mut [u8]) -> bool {
        self.span.read(offset, to)
    }

    /// Copies `from` over the bytes from `offset` on. Says whether they all are inside; if not nothing is
    /// copied.
    #[must_use]
    pub fn write(&self, offset: usize, from: &[u8]) -> bool {
        self.span.write(offset, from)
    }

    /// Reads a value at `offset`, or gives nothing when it is not all inside.
    pub fn read_obj<T: FromBytes + IntoBytes>(&self, offset: usize) -> Option<T> {
        let mut value = T::new_zeroed();
        self.read(offset, value.as_mut_bytes()).then_some(value)
    }

    /// Writes a value at `offset`. Says whether it is all inside; if not nothing is written.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, Memory};
    ///
    /// let memory = Memory::from(AnonymousMemory::new(0x1000)?);
    /// assert!(memory.write_obj(8, &0x1234_u32));
    /// assert_eq!(memory.read_obj::<u32>(8), Some(0x1234));
    /// assert_eq!(memory.read_obj::<u32>(0xffe), None, "not all inside");
    /// assert_eq!(memory.host_address() % 0x1000, 0);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn write_obj<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> bool {
        self.write(offset, value.as_bytes())
    }

    /// The backing, if it is a `B` and this is the last handle on it; else the handle.
    ///
    /// # Errors
    ///
    /// The handle itself, unchanged.
    pub fn try_into_inner<B: Backing>(self) -> Result<B, Self> {
        let Self { span, backing } = self;
        if backing.id() != TypeId::of::<B>() {
            return Err(Self { span, backing });
        }
        // SAFETY: the pointer comes from `into_raw`, which gave up the count that `from_raw` takes
        // over, of an `Arc` whose value is a `B`: `id` said so, and only the blanket implementation
        // above answers it.
        let backing = unsafe { Arc::from_raw(Arc::into_raw(backing).cast::<B>()) };
        Arc::try_unwrap(backing).map_err(|backing| Self { span, backing })
    }
}

impl<B: Backing> From<B> for Memory {
    fn from(backing: B) -> Self {
        // SAFETY: `Backing` promises the bytes as long as the value lives and that they are touched
        // through spans only. The value lives as long as this handle, and the span never leaves it.
        let span = unsafe { Span::new(backing.start(), backing.len()) };
        Self {
            span: span.unwrap_or(Span::EMPTY),
            backing: Arc::new(backing),
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("len", &self.len())
            .field("handles", &Arc::strong_count(&self.backing))
            .finish_non_exhaustive()
    }
}
