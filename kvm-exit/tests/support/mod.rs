//! Run pages written by hand, byte by byte, at offsets from the start of `kvm_run`.
//!
//! Nothing here uses the crate's own layouts or encoder: a matched pair of mistakes would pass.

#![allow(dead_code, reason = "each test file uses its part of this")]

use kvm_exit::{Exit, GuestArch, Malformed, Page as PageOf, RunPage};

/// A run page and an I/O page of 4096 bytes each, without their first eight bytes.
pub(crate) struct Page([u64; 1023]);

impl Page {
    pub(crate) fn new(reason: u32) -> Self {
        Self([0; 1023]).u32(8, reason)
    }

    pub(crate) fn u8(self, offset: usize, value: u8) -> Self {
        self.bytes(offset, &[value])
    }

    pub(crate) fn u16(self, offset: usize, value: u16) -> Self {
        self.bytes(offset, &value.to_ne_bytes())
    }

    pub(crate) fn u32(self, offset: usize, value: u32) -> Self {
        self.bytes(offset, &value.to_ne_bytes())
    }

    pub(crate) fn u64(self, offset: usize, value: u64) -> Self {
        self.bytes(offset, &value.to_ne_bytes())
    }

    pub(crate) fn u64s(self, offset: usize, values: &[u64]) -> Self {
        values
            .iter()
            .enumerate()
            .fold(self, |page, (i, &value)| page.u64(offset + 8 * i, value))
    }

    pub(crate) fn bytes(mut self, offset: usize, bytes: &[u8]) -> Self {
        for (i, &byte) in bytes.iter().enumerate() {
            let at = offset - 8 + i;
            let mut word = self.0[at / 8].to_ne_bytes();
            word[at % 8] = byte;
            self.0[at / 8] = u64::from_ne_bytes(word);
        }
        self
    }

    pub(crate) fn get_bytes(&self, offset: usize, len: usize) -> Vec<u8> {
        (offset - 8..offset - 8 + len)
            .map(|at| self.0[at / 8].to_ne_bytes()[at % 8])
            .collect()
    }

    pub(crate) fn get_u64(&self, offset: usize) -> u64 {
        self.0[(offset - 8) / 8]
    }

    pub(crate) fn page(&mut self) -> &mut RunPage {
        RunPage::from_words(&mut self.0).unwrap()
    }

    pub(crate) fn page_of<A: GuestArch>(&mut self) -> &mut PageOf<A> {
        PageOf::from_words(&mut self.0).unwrap()
    }

    pub(crate) fn words(&mut self) -> &mut [u64] {
        &mut self.0
    }

    /// The page as if the vCPU's mapping ended after `len` bytes.
    pub(crate) fn first(&mut self, len: usize) -> &mut RunPage {
        RunPage::from_words(&mut self.0[..(len - 8) / 8]).unwrap()
    }

    pub(crate) fn decode(&mut self) -> Result<Exit<'_>, Malformed> {
        self.page().decode()
    }
}
