//! What is printed for programs.

use kvm_mock::recording::{Buffer, Content, Record};
use kvm_sys::Arch;
use serde::Serialize;

use crate::Trouble;
use crate::exits::{End, Place};
use crate::source::Source;
use crate::text;

/// The object on a line of its own.
pub(crate) fn line(value: &impl Serialize) -> Result<String, Trouble> {
    let mut text = serde_json::to_string(value).map_err(std::io::Error::from)?;
    text.push('\n');
    Ok(text)
}

/// How an entry ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Exit {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) text: String,
    /// What the guest writes, in quotes, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ascii: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errno: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) msr: Option<u32>,
    /// Whether the VMM asked to complete pending I/O only.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) completes: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entered_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exited_ns: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Exit {
    pub(crate) fn new(end: &End<'_>, record: &Record<'_>) -> Self {
        let entry = match &record.content {
            Content::Entry(entry) => Some(entry),
            _ => None,
        };
        let times = entry.and_then(|entry| entry.times);
        let place = end.place();
        Self {
            kind: end.kind().into_owned(),
            name: end.name().into_owned(),
            text: end.text(),
            ascii: end.ascii(),
            errno: entry.and_then(|entry| entry.errno).map(|errno| errno.0),
            port: match place {
                Some(Place::Port(port)) => Some(port),
                _ => None,
            },
            address: match place {
                Some(Place::Address(address)) => Some(address),
                _ => None,
            },
            msr: match place {
                Some(Place::Msr(msr)) => Some(msr),
                _ => None,
            },
            completes: entry.is_some_and(|entry| entry.completes),
            entered_ns: times.map(|times| nanoseconds(times.entered)),
            exited_ns: times.map(|times| nanoseconds(times.exited)),
        }
    }
}

/// A call that is no entry.
#[derive(Debug, Serialize)]
pub(crate) struct Call<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errno: Option<u16>,
    returned: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buffers: Vec<Bytes>,
    /// The object that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<String>,
}

/// Bytes of an argument in hex, as [`Buffer`].
#[derive(Debug, Serialize)]
struct Bytes {
    offset: u32,
    len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl<'a> Call<'a> {
    /// Nothing for a record of another kind. `full` is for structures that are long.
    pub(crate) fn new(
        record: &Record<'a>,
        arch: Option<Arch>,
        source: &Source,
        full: bool,
    ) -> Option<Self> {
        let plain = |name, text, errno: Option<kvm_core::Errno>, returned| Self {
            name,
            text: match errno {
                None => text,
                Some(errno) => format!("{text}: {errno:?}"),
            },
            errno: errno.map(|errno| errno.0),
            returned,
            value: None,
            buffers: Vec::new(),
            made: None,
        };
        let (call, made) = match &record.content {
            Content::Call(call) => (call, None),
            Content::Create { call, object } => (call, *object),
            Content::Map {
                len,
                private,
                errno,
            } => {
                let what = if *private == 0 {
                    "a dirty ring of "
                } else {
                    ""
                };
                let text = format!("mmap of {what}{len} bytes");
                return Some(plain("mmap", text, *errno, 0));
            }
            Content::Read {
                offset,
                errno,
                bytes,
                ..
            } => {
                let len = bytes.len();
                let text = format!("read of {len} bytes from {offset}");
                let returned = u32::try_from(len).unwrap_or(u32::MAX);
                return Some(plain("read", text, *errno, returned));
            }
            _ => return None,
        };
        let made = made.map(|stream| source.label(stream).to_owned());
        let mut text = text::call(call, arch, full);
        if let Some(made) = &made {
            text = format!("{text} = {made}");
        }
        Some(Self {
            name: call.name,
            text,
            errno: call.errno.map(|errno| errno.0),
            returned: call.returned,
            value: call.value,
            buffers: call.buffers.iter().map(Bytes::new).collect(),
            made,
        })
    }
}

impl Bytes {
    fn new(buffer: &Buffer<'_>) -> Self {
        Self {
            offset: buffer.offset,
            len: buffer.len,
            before: buffer.before.map(text::plain_hex),
            after: buffer.after.map(text::plain_hex),
        }
    }
}

pub(crate) fn nanoseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
