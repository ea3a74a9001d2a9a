//! [`RunPages`]: the run pages as records go by.

use std::collections::HashMap;

use kvm_core::kvm_exit::{GuestArch, Page};

use super::record::{Content, Record, Words};
use crate::words;

/// The run pages of a recording's vCPUs, as they were at the record that was applied last.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use kvm_core::Kvm;
/// use kvm_core::kvm_exit::{Exit, Native};
/// use kvm_mock::recording::{Recording, RunPages};
/// # use kvm_mock::{Model, Recorder, Step};
///
/// # let path = std::env::temp_dir().join(format!("pages-{}.kvmrec", std::process::id()));
/// # let model = Model::new();
/// # model.script(0, [Step::io_in(0x60, [0x1c]), Step::hlt()]);
/// # let mut vcpu = Kvm::with(Recorder::create(model, &path)?)?.create_vm()?.create_vcpu(0)?;
/// # if let (Exit::IoIn(io), _) = vcpu.run()? {
/// #     io.data.fill(0x1c);
/// # }
/// # vcpu.run()?;
/// # drop(vcpu);
/// let recording = Recording::open(&path)?;
/// let vcpu = recording.objects().find(|object| object.vcpu_id() == Some(0));
/// let stream = vcpu.ok_or("no vCPU")?.stream;
/// let mut pages = RunPages::new();
/// let mut replies = Vec::new();
/// for record in recording.records() {
///     // The page as the VMM left it, with its answer to the exit before.
///     pages.apply_reply(&record);
///     if let Some(Exit::IoIn(io)) = pages.page::<Native>(stream).and_then(|page| page.decode().ok()) {
///         replies.push(io.data.to_vec());
///     }
///     pages.apply_exit(&record);
/// }
/// assert_eq!(replies, [[0x1c]]);
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RunPages(HashMap<u32, Vec<u64>>);

impl RunPages {
    /// Before the first record: there are none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what the record says. Records are applied in their order, each once.
    pub fn apply(&mut self, record: &Record<'_>) {
        self.apply_reply(record);
        self.apply_exit(record);
    }

    /// Does what the record says up to the entry: pages are then as the VMM left them.
    ///
    /// [`apply_exit`](Self::apply_exit) of the same record comes next.
    pub fn apply_reply(&mut self, record: &Record<'_>) {
        if let Content::Entry(entry) = &record.content {
            self.write(record.stream, entry.reply);
        }
    }

    /// Does what the record says from the entry on: pages are then as the kernel left them.
    pub fn apply_exit(&mut self, record: &Record<'_>) {
        match (&record.content, record.stream) {
            (Content::Entry(entry), stream) => self.write(stream, entry.exit),
            (
                Content::Map {
                    private,
                    errno: None,
                    ..
                },
                Some(stream),
            ) if *private != 0 => {
                let private = usize::try_from(*private).unwrap_or(usize::MAX);
                let len = words::in_page(private).min(words::MOST);
                self.0.insert(stream, vec![0; len]);
            }
            _ => {}
        }
    }

    /// The words of a vCPU's run page from byte 8 on; nothing before it was mapped.
    pub fn words(&mut self, stream: u32) -> Option<&mut [u64]> {
        self.0.get_mut(&stream).map(Vec::as_mut_slice)
    }

    /// A vCPU's run page; nothing before it was mapped, or when it is too short for one of the architecture.
    pub fn page<G: GuestArch>(&mut self, stream: u32) -> Option<&mut Page<G>> {
        Page::from_words(self.words(stream)?).ok()
    }

    fn write(&mut self, stream: Option<u32>, words: Words<'_>) {
        if let Some(page) = stream.and_then(|stream| self.0.get_mut(&stream)) {
            // What is outside of the page in a forged file is left out.
            let _ = words::apply(words.0, page);
        }
    }
}
