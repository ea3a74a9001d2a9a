//! [`Access`]: how an interrupt controller accesses its tables in memory.

/// How tables in memory are accessed: where a register has the fields that say so, by their lowest bits.
#[derive(Debug)]
pub(super) struct Access {
    /// Whether inner caches have them: three bits.
    pub(super) inner: u32,
    /// With whom they are shared: two bits.
    pub(super) shareable: u32,
    /// Whether outer caches have them: three bits.
    pub(super) outer: u32,
}

/// Of inner caches: allocating when read, and written back.
const READ_ALLOCATE: u64 = 3;
/// Within the inner domain.
const INNER: u64 = 1;
const OUTER: u64 = 2;
/// Of outer caches: as the inner ones, and not at all.
const OUTER_KNOWN: [u64; 2] = [0, 1];

impl Access {
    /// As KVM has it at first.
    pub(super) const fn at_first(&self) -> u64 {
        READ_ALLOCATE << self.inner | INNER << self.shareable
    }

    /// What KVM makes of what is asked for: cached in any case, and shared within the inner domain at most. Observed on
    /// Linux 6.12.
    pub(super) fn taken(&self, register: u64) -> u64 {
        let inner = match register >> self.inner & 7 {
            // Not cached.
            0 | 1 => READ_ALLOCATE,
            cached => cached,
        };
        let shareable = match register >> self.shareable & 3 {
            OUTER => INNER,
            other => other,
        };
        let outer = register >> self.outer & 7;
        let outer = if OUTER_KNOWN.contains(&outer) {
            outer
        } else {
            0
        };
        let fields = 7 << self.inner | 3 << self.shareable | 7 << self.outer;
        register & !fields | inner << self.inner | shareable << self.shareable | outer << self.outer
    }
}
