//! The recording format, version 1, as `FORMAT.md` describes it.

mod body;
mod crc;
mod header;
mod record;
mod scan;

pub(crate) use body::{
    Buffer, Call, Create, Delta, End, Enter, EnterFlags, Map, Name, Pread, Runs, Shape, Writer,
};
pub(crate) use crc::Crc;
pub use header::Architecture;
pub(crate) use header::{FileHeader, Flags};
pub(crate) use record::{Kind, NO_STREAM, Record};
pub use scan::ReplayError;
pub(crate) use scan::{Entry, Recording};
