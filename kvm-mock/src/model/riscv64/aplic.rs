//! [`Aplic`]: the platform's interrupt controller, which sends messages for wired interrupts, by the architecture's
//! specification.

use kvm_core::Errno;

const DOMAINCFG: u64 = 0x0;
/// Of source 1.
const SOURCECFG: u64 = 0x4;
const SETIP: u64 = 0x1c00;
const SETIPNUM: u64 = 0x1cdc;
const CLRIP: u64 = 0x1d00;
const CLRIPNUM: u64 = 0x1ddc;
const SETIE: u64 = 0x1e00;
const SETIENUM: u64 = 0x1edc;
const CLRIE: u64 = 0x1f00;
const CLRIENUM: u64 = 0x1fdc;
const SETIPNUM_LE: u64 = 0x2000;
const SETIPNUM_BE: u64 = 0x2004;
const GENMSI: u64 = 0x3000;
/// Of source 1.
const TARGET: u64 = 0x3004;

/// The domain is enabled, and sends messages.
const IE: u32 = 1 << 8;
const FIXED: u32 = 0x8000_0000 | 1 << 2;
/// What a source is triggered by; 0 for nothing.
const MODE: u32 = 0b111;
/// Delegated to another domain, of which there is none.
const DELEGATED: u32 = 1 << 10;
/// Edges up and down.
const EDGES: [u32; 2] = [4, 5];
/// Levels high and low.
const LEVELS: [u32; 2] = [6, 7];
/// Of a target: hart, and identity. The guest number in between is there too.
const TARGET_BITS: u32 = 0x3fff << 18 | 0x3f << 12 | IDENTITY;
const IDENTITY: u32 = 0x7ff;

/// The platform's interrupt controller.
#[derive(Debug)]
pub(super) struct Aplic {
    enabled: bool,
    genmsi: u32,
    /// From source 0 on, which there is not.
    sources: Vec<Source>,
}

#[derive(Clone, Debug, Default)]
struct Source {
    config: u32,
    target: u32,
    /// Whether its line is up.
    line: bool,
    pending: bool,
    enabled: bool,
}

/// The message of a source: hart and identity.
pub(super) type Message = (usize, u32);

/// What is done with one bit of a word of sources.
type Change = fn(&mut Source);

impl Aplic {
    pub(super) fn new(sources: u32) -> Self {
        let len = usize::try_from(sources).unwrap_or(0) + 1;
        Self {
            enabled: false,
            genmsi: 0,
            sources: vec![Source::default(); len],
        }
    }

    /// The source that a register is of, where each but source 0 has one.
    fn source(&self, offset: u64, base: u64) -> Option<usize> {
        let behind = offset.checked_sub(base)?;
        let source = usize::try_from(behind / 4).ok()? + 1;
        (source < self.sources.len()).then_some(source)
    }

    /// The first source of a word of bits.
    fn word(&self, offset: u64, base: u64) -> Option<usize> {
        let behind = offset.checked_sub(base)?;
        let first = usize::try_from(behind / 4).ok()? * 32;
        (first < self.sources.len()).then_some(first)
    }

    fn bits(&self, first: usize, is: fn(&Source) -> bool) -> u32 {
        let sources = self.sources.iter().skip(first).take(32).zip(0..);
        sources.fold(0, |bits, (source, n)| bits | u32::from(is(source)) << n)
    }

    /// KVM's errnos for what is no word, and no register.
    pub(super) fn get(&self, offset: u64) -> Result<u32, Errno> {
        if offset % 4 != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let of = |source: usize| self.sources.get(source).cloned().unwrap_or_default();
        if let Some(source) = self.source(offset, SOURCECFG) {
            return Ok(of(source).config);
        }
        if let Some(source) = self.source(offset, TARGET) {
            return Ok(of(source).target);
        }
        Ok(match offset {
            DOMAINCFG => FIXED | if self.enabled { IE } else { 0 },
            GENMSI => self.genmsi,
            SETIPNUM | CLRIPNUM | SETIENUM | CLRIENUM | SETIPNUM_LE | SETIPNUM_BE => 0,
            offset => {
                if self.word(offset, CLRIE).is_some() {
                    0
                } else if let Some(first) = self.word(offset, SETIE) {
                    self.bits(first, |source| source.enabled)
                } else if let Some(first) = self.word(offset, CLRIP) {
                    self.bits(first, Source::input)
                } else if let Some(first) = self.word(offset, SETIP) {
                    self.bits(first, |source| source.pending)
                } else {
                    return Err(Errno::ENODEV);
                }
            }
        })
    }

    /// Writes to a register. Gives the messages that are sent by that.
    pub(super) fn set(&mut self, offset: u64, value: u32) -> Result<Vec<Message>, Errno> {
        self.get(offset)?;
        if let Some(source) = self.source(offset, SOURCECFG) {
            let config = if value & DELEGATED == 0 {
                value & MODE
            } else {
                0
            };
            self.change(source, |source| source.config = config);
        } else if let Some(source) = self.source(offset, TARGET) {
            self.change(source, |source| source.target = value & TARGET_BITS);
        } else {
            self.set_bits(offset, value);
        }
        let mut sent = self.send();
        if offset == GENMSI {
            sent.push(message(value));
        }
        Ok(sent)
    }

    /// The line of a source goes up or down.
    pub(super) fn line(&mut self, source: u32, level: bool) -> Result<Vec<Message>, Errno> {
        let index = usize::try_from(source).map_err(|_| Errno::ENODEV)?;
        let source = self.sources.get_mut(index).filter(|_| source != 0);
        source.ok_or(Errno::ENODEV)?.line(level);
        Ok(self.send())
    }

    fn set_bits(&mut self, offset: u64, value: u32) {
        let pend: Change = Source::pend;
        let clear: Change = |source| source.pending = false;
        let enable: Change = |source| source.enabled = true;
        let disable: Change = |source| source.enabled = false;
        let number = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        match offset {
            DOMAINCFG => self.enabled = value & IE != 0,
            GENMSI => self.genmsi = value & !(0x3f << 12),
            SETIPNUM | SETIPNUM_LE => self.change(number(value), pend),
            SETIPNUM_BE => self.change(number(value.swap_bytes()), pend),
            CLRIPNUM => self.change(number(value), clear),
            SETIENUM => self.change(number(value), enable),
            CLRIENUM => self.change(number(value), disable),
            offset => {
                let families = [
                    (CLRIE, disable),
                    (SETIE, enable),
                    (CLRIP, clear),
                    (SETIP, pend),
                ];
                let mut found = families
                    .iter()
                    .filter_map(|(base, change)| Some((self.word(offset, *base)?, *change)));
                if let Some((first, change)) = found.next() {
                    (0..32)
                        .filter(|n| value >> n & 1 != 0)
                        .for_each(|n| self.change(first + n, change));
                }
            }
        }
    }

    fn change(&mut self, source: usize, change: impl Fn(&mut Source)) {
        // There is no source 0.
        self.sources
            .get_mut(source)
            .filter(|_| source != 0)
            .map(change);
    }

    /// What is pending and enabled is sent, and pending no more.
    fn send(&mut self) -> Vec<Message> {
        if !self.enabled {
            return Vec::new();
        }
        let waiting = self
            .sources
            .iter_mut()
            .filter(|source| source.pending && source.enabled);
        waiting
            .map(|source| {
                source.pending = false;
                message(source.target)
            })
            .collect()
    }
}

impl Source {
    /// A source that is off can't be pending, nor one of a level that its line does not have.
    fn pend(&mut self) {
        let [high, low] = LEVELS;
        self.pending |= match self.config {
            0 => false,
            config if config == high => self.line,
            config if config == low => !self.line,
            _ => true,
        };
    }

    /// The line as its mode takes it: turned round where low is what counts.
    fn input(&self) -> bool {
        let ([_, fall], [_, low]) = (EDGES, LEVELS);
        self.config != 0 && self.line != [fall, low].contains(&self.config)
    }

    fn line(&mut self, level: bool) {
        let ([rise, fall], [high, low]) = (EDGES, LEVELS);
        let changes = level != self.line;
        let waits = level && (self.config == high || self.config == rise && changes);
        let waits = waits || !level && (self.config == low || self.config == fall && changes);
        self.pending |= waits;
        self.line = level;
    }
}

fn message(target: u32) -> Message {
    (
        usize::try_from(target >> 18).unwrap_or(usize::MAX),
        target & IDENTITY,
    )
}
