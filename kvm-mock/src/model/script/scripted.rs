//! [`Scripted`]: what the model needs of a step, whatever the guest's architecture.

use std::fmt;
use std::panic::Location;

use kvm_core::Errno;
use kvm_exit::{Exit, GuestArch, IoIn, MmioRead, Page, Unencodable};

use super::barrier::Meeting;
use super::expect::Expectation;
use super::failure::Mismatch;
use super::step::{Leaves, Reply, Step};
use super::write::Write;

/// What a step says beside its exit.
pub(crate) struct Frame {
    pub(crate) place: &'static Location<'static>,
    pub(crate) errno: Option<Errno>,
    pub(crate) writes: Vec<(u64, Vec<u8>)>,
    pub(crate) finds: Vec<(u64, Vec<u8>)>,
    pub(crate) expects: Vec<Expectation>,
    /// Banks, and what they hold at the exit.
    pub(crate) state: Vec<(&'static str, Vec<u8>)>,
    /// Banks, and what they hold once the access is complete.
    pub(crate) state_then: Vec<(&'static str, Vec<u8>)>,
    /// Registers, and what they hold at the exit.
    pub(crate) registers: Vec<(u64, Vec<u8>)>,
    /// Registers, and what they hold once the access is complete.
    pub(crate) registers_then: Vec<(u64, Vec<u8>)>,
    pub(crate) goes_on: bool,
    pub(crate) in_kernel: bool,
    pub(crate) ended: Vec<u32>,
}

/// A step of a guest of any architecture. Pages are given as their words.
pub(crate) trait Scripted: fmt::Display + Send {
    fn frame(&self) -> &Frame;

    /// Whether the vCPU waits.
    fn blocks(&self) -> bool;

    /// Where the vCPU waits for others.
    fn meeting(&self) -> Option<&Meeting>;

    /// Whether the VMM has to answer.
    fn asks(&self) -> bool;

    /// The step's write, if it is a single one.
    fn write(&self) -> Option<Write<'_>>;

    /// Writes the exit into the page.
    fn encode(&self, page: &mut [u64]) -> Result<(), Unencodable>;

    /// Compares what the VMM left in the page with what the step says.
    fn check(&self, page: &mut [u64]) -> Result<(), Mismatch>;
}

impl<G: GuestArch> Scripted for Step<G> {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn blocks(&self) -> bool {
        matches!(self.leaves, Leaves::Block)
    }

    fn meeting(&self) -> Option<&Meeting> {
        match &self.leaves {
            Leaves::Meet(meeting) => Some(meeting),
            _ => None,
        }
    }

    fn write(&self) -> Option<Write<'_>> {
        let (pio, address, data) = match &self.leaves {
            Leaves::Io {
                out: true,
                port,
                width,
                data,
            } if matches!(data.len(), 1 | 2 | 4)
                && width.is_none_or(|width| usize::from(width) == data.len()) =>
            {
                (true, u64::from(*port), data)
            }
            Leaves::Mmio {
                write: true,
                addr,
                data,
            } if (1..=8).contains(&data.len()) => (false, *addr, data),
            _ => return None,
        };
        Some(Write { pio, address, data })
    }

    fn asks(&self) -> bool {
        !matches!(self.reply, Reply::None)
    }

    fn encode(&self, page: &mut [u64]) -> Result<(), Unencodable> {
        // `RunMemory` has made sure that it is a page.
        let Ok(page) = Page::<G>::from_words(page) else {
            return Ok(());
        };
        match &self.leaves {
            Leaves::Exit(encode) => encode(page),
            _ => self.as_exit(|exit| page.encode(exit)).unwrap_or(Ok(())),
        }
    }

    fn check(&self, page: &mut [u64]) -> Result<(), Mismatch> {
        let Ok(page) = Page::<G>::from_words(page) else {
            return Ok(());
        };
        if !self.asks() {
            return Ok(());
        }
        let exit = page.decode().map_err(Mismatch::Malformed)?;
        match (&self.reply, exit) {
            (Reply::Check(holds), exit) if holds(&exit) => Ok(()),
            (Reply::Data(expected), Exit::IoIn(IoIn { data, .. }))
            | (Reply::Data(expected), Exit::MmioRead(MmioRead { data, .. })) => {
                compare(expected, data)
            }
            _ => Err(Mismatch::Refused),
        }
    }
}

fn compare(expected: &[u8], given: &[u8]) -> Result<(), Mismatch> {
    if given == expected {
        return Ok(());
    }
    let expected = expected.to_vec();
    Err(if given == complement(&expected) {
        Mismatch::NoReply { expected }
    } else {
        let given = given.to_vec();
        Mismatch::Reply { expected, given }
    })
}

/// What a VMM that leaves the data alone gives as its reply.
pub(super) fn complement(reply: &[u8]) -> Vec<u8> {
    reply.iter().map(|byte| !byte).collect()
}
