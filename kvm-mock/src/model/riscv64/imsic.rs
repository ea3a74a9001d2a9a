//! [`Imsic`]: a vCPU's controller of message-signalled interrupts, by the architecture's specification.

use kvm_core::Errno;

/// What is had by an indirect access, by its number.
const EIDELIVERY: u64 = 0x70;
const EITHRESHOLD: u64 = 0x72;
const EIP: u64 = 0x80;
const EIE: u64 = 0xc0;
/// Behind the last of `EIE`.
const END: u64 = 0x100;

/// A vCPU's controller of message-signalled interrupts.
#[derive(Debug)]
pub(super) struct Imsic {
    delivery: u64,
    threshold: u64,
    pending: Vec<u64>,
    enabled: Vec<u64>,
    identities: u32,
}

impl Imsic {
    pub(super) fn new(identities: u32) -> Self {
        let words = usize::try_from(identities / 64).unwrap_or(0) + 1;
        Self {
            delivery: 0,
            threshold: 0,
            pending: vec![0; words],
            enabled: vec![0; words],
            identities,
        }
    }

    /// The interrupt of a message. Says whether there is such.
    pub(super) fn raise(&mut self, identity: u32) -> bool {
        let word = usize::try_from(identity / 64).unwrap_or(usize::MAX);
        let known = (1..=self.identities).contains(&identity);
        if let Some(word) = self.pending.get_mut(word).filter(|_| known) {
            *word |= 1 << (identity % 64);
        }
        known
    }

    pub(super) fn get(&self, isel: u64) -> Result<u64, Errno> {
        match isel {
            EIDELIVERY => Ok(self.delivery),
            EITHRESHOLD => Ok(self.threshold),
            EIP..EIE => word(&self.pending, isel - EIP),
            EIE..END => word(&self.enabled, isel - EIE),
            _ => Err(Errno::ENOENT),
        }
    }

    pub(super) fn set(&mut self, isel: u64, value: u64) -> Result<(), Errno> {
        self.get(isel)?;
        let (bank, n) = match isel {
            EIDELIVERY => {
                self.delivery = value & 1;
                return Ok(());
            }
            EITHRESHOLD => {
                self.threshold = value & 0x7ff;
                return Ok(());
            }
            EIP..EIE => (&mut self.pending, isel - EIP),
            _ => (&mut self.enabled, isel - EIE),
        };
        let n = usize::try_from(n / 2).unwrap_or(usize::MAX);
        // There is no identity 0.
        let there = if n == 0 { !1 } else { u64::MAX };
        if let Some(word) = bank.get_mut(n) {
            *word = value & there;
        }
        Ok(())
    }
}

/// Where registers have 64 bits, those with odd numbers are not there.
fn word(bank: &[u64], n: u64) -> Result<u64, Errno> {
    if n % 2 != 0 {
        return Err(Errno::EINVAL);
    }
    let n = usize::try_from(n / 2).map_err(|_| Errno::EINVAL)?;
    bank.get(n).copied().ok_or(Errno::EINVAL)
}
