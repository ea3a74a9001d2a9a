//! [`File`]: registers with some bits for each interrupt, in a distributor or a redistributor.

use std::collections::BTreeMap;

/// Registers with some bits for each interrupt, of those from `first` to before `end`. Of others, bits read as
/// zero and ignore writes.
#[derive(Clone, Debug)]
pub(super) struct File {
    table: &'static [Family],
    first: u32,
    end: u32,
    words: BTreeMap<u32, u32>,
}

/// Registers of one kind.
#[derive(Debug)]
pub(super) struct Family {
    /// Offset of the word of interrupt 0.
    base: u32,
    /// How many bits each interrupt has, and of how many this table has any.
    bits: u32,
    interrupts: u32,
    access: Access,
}

#[derive(Debug)]
enum Access {
    /// These bits of each word are what was written.
    Plain(u32),
    /// What is written is set, and the register at this offset shows it.
    Set,
    /// What is written is cleared in the register at this offset, and shown from there.
    Clear(u32),
    /// Reads as zero and ignores writes.
    Nothing,
    /// Says what an interrupt is triggered by. Those of a vCPU's own are fixed: software's by edges, devices' by
    /// levels.
    Trigger,
}

const fn family(base: u32, bits: u32, interrupts: u32, access: Access) -> Family {
    Family {
        base,
        bits,
        interrupts,
        access,
    }
}

/// KVM has five bits of priority.
const PRIORITIES: u32 = 0xf8f8_f8f8;

/// Interrupts that a vCPU has of its own.
pub(super) const PRIVATE: u32 = 32;

const MOST: u32 = 1024;

/// What a word of triggers says when all are edges: the upper bits of pairs.
pub(super) const EDGES: u32 = 0xaaaa_aaaa;

/// "set by ISPENDR and cleared by ICPENDR" for a guest; to the VMM the first is the latch, and the second
/// has "RAZ/WI semantics": arm-vgic-v3.rst.
pub(super) static V3: &[Family] = &[
    family(0x80, 1, MOST, Access::Plain(u32::MAX)),
    family(0x100, 1, MOST, Access::Set),
    family(0x180, 1, MOST, Access::Clear(0x100)),
    family(0x200, 1, MOST, Access::Plain(u32::MAX)),
    family(0x280, 1, MOST, Access::Nothing),
    family(0x300, 1, MOST, Access::Set),
    family(0x380, 1, MOST, Access::Clear(0x300)),
    family(0x400, 8, MOST, Access::Plain(PRIORITIES)),
    // Of GICv2 only.
    family(0x800, 8, MOST, Access::Nothing),
    family(0xc00, 2, MOST, Access::Trigger),
    family(0xd00, 1, MOST, Access::Nothing),
];

/// arm-vgic.rst: "Getting or setting such a register has the same effect as reading or writing the register on
/// the actual hardware".
pub(super) static V2: &[Family] = &[
    family(0x80, 1, MOST, Access::Plain(u32::MAX)),
    family(0x100, 1, MOST, Access::Set),
    family(0x180, 1, MOST, Access::Clear(0x100)),
    family(0x200, 1, MOST, Access::Set),
    family(0x280, 1, MOST, Access::Clear(0x200)),
    family(0x300, 1, MOST, Access::Set),
    family(0x380, 1, MOST, Access::Clear(0x300)),
    family(0x400, 8, MOST, Access::Plain(PRIORITIES)),
    family(0x800, 8, MOST, Access::Plain(u32::MAX)),
    family(0xc00, 2, MOST, Access::Trigger),
    // One bit for each vCPU that sent it.
    family(0xf10, 8, 16, Access::Clear(0xf20)),
    family(0xf20, 8, 16, Access::Set),
];

impl File {
    pub(super) fn new(table: &'static [Family], first: u32, end: u32) -> Self {
        let words = BTreeMap::new();
        Self {
            table,
            first,
            end,
            words,
        }
    }

    /// Sets the word at an offset, whatever a write of it would do.
    pub(super) fn put(&mut self, offset: u32, word: u32) {
        self.words.insert(offset, word);
    }

    pub(super) fn word(&self, offset: u32) -> u32 {
        self.words.get(&offset).copied().unwrap_or(0)
    }

    /// Whether there is a register, and an interrupt before the table's end that it is of.
    pub(super) fn has(&self, offset: u32) -> bool {
        let find = self.find(offset);
        find.is_some_and(|(family, _)| (offset - family.base) * 8 / family.bits < self.end)
    }

    /// The register's value, if there is one.
    pub(super) fn get(&self, offset: u32) -> Option<u32> {
        let (family, mask) = self.find(offset)?;
        let word = match family.access {
            Access::Plain(_) | Access::Set => self.word(offset),
            Access::Clear(set) => self.word(offset - family.base + set),
            Access::Nothing => 0,
            Access::Trigger => self.word(offset) | Self::fixed(offset - family.base),
        };
        Some(word & mask)
    }

    /// Writes to the register, if there is one.
    pub(super) fn set(&mut self, offset: u32, value: u32) {
        let Some((family, mask)) = self.find(offset) else {
            return;
        };
        let value = value & mask;
        let (at, word) = match family.access {
            Access::Plain(bits) => (offset, value & bits),
            Access::Set => (offset, self.word(offset) | value),
            Access::Clear(set) => {
                let at = offset - family.base + set;
                (at, self.word(at) & !value)
            }
            Access::Nothing => return,
            // The lower bit of each pair is reserved.
            Access::Trigger if (offset - family.base) * 4 >= PRIVATE => (offset, value & EDGES),
            Access::Trigger => return,
        };
        self.words.insert(at, word);
    }

    /// Which of the 32 interrupts from this one on are triggered by edges.
    pub(super) fn edges(&self, first: u32) -> u32 {
        let words = [0, 1].map(|word| self.get(0xc00 + first / 4 + 4 * word).unwrap_or(0));
        (0..32).fold(0, |edges, n| {
            let [low, high] = words;
            let word = if n < 16 { low } else { high };
            edges | (word >> (n % 16 * 2 + 1) & 1) << n
        })
    }

    /// What triggers the interrupts of a vCPU's own: 16 of software are in the first word.
    fn fixed(offset: u32) -> u32 {
        match offset {
            0 => EDGES,
            _ => 0,
        }
    }

    /// The registers among which this one is, and which of its bits are of interrupts that there are.
    fn find(&self, offset: u32) -> Option<(&'static Family, u32)> {
        let family = self.table.iter().find(|family| {
            let len = family.bits * family.interrupts / 8;
            (family.base..family.base + len).contains(&offset)
        })?;
        if offset % 4 != 0 {
            return None;
        }
        let first = (offset - family.base) * 8 / family.bits;
        let one = u32::MAX >> (32 - family.bits);
        let mask = (0..32 / family.bits)
            .filter(|n| (self.first..self.end).contains(&(first + n)))
            .fold(0, |mask, n| mask | one << (n * family.bits));
        Some((family, mask))
    }
}
