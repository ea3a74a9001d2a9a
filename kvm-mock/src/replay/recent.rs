//! The last exits of a vCPU, for a message about where it left its recording.

use std::collections::VecDeque;

use kvm_core::Errno;
use kvm_core::kvm_exit::{GuestArch, Page};

use super::outcome::LastExit;
use crate::format::{Enter, Entry, Kind, Map, Recording};
use crate::{page, words};

/// Exits that a message tells of.
const RECENT: usize = 4;

/// The exits in `entries`, which begin a stream; the latest first.
///
/// Everything is read again from the start, so that a replay that goes well need not keep it.
pub(super) fn exits(
    recording: &Recording,
    entries: &[Entry],
    describe: fn(&mut [u64]) -> String,
) -> Vec<LastExit> {
    let is_entry = |entry: &&Entry| entry.kind == Kind::Enter;
    let count = entries.iter().filter(is_entry).count();
    let mut page = Vec::new();
    let mut recent = VecDeque::new();
    let mut indices = (0..).zip((0..count).rev());
    for entry in entries {
        let body = recording.body(entry);
        // Without private bytes it is a dirty ring.
        let map = Some(body).filter(|_| entry.kind == Kind::Map);
        let map = map.and_then(Map::read).filter(|map| map.private != 0);
        if let Some(map) = map {
            let private = usize::try_from(map.private).unwrap_or(0);
            page = vec![0; words::in_page(private).min(words::MOST)];
        }
        let Some(enter) = Some(entry).filter(is_entry).and_then(|_| Enter::read(body)) else {
            continue;
        };
        // What is outside of the page was refused when the exit was replayed.
        let _ = words::apply(enter.reply, &mut page) && words::apply(enter.exit, &mut page);
        if let Some((index, _)) = indices.next().filter(|(_, behind)| *behind < RECENT) {
            recent.push_front((index, enter.errno, page.clone()));
        }
    }
    let told = recent.into_iter().map(|(index, errno, mut page)| {
        let (kind, text) = match errno {
            0 => (format!("{:?}", page::reason(&page)), describe(&mut page)),
            errno => {
                let name = format!("{:?}", Errno(errno));
                (name.clone(), name)
            }
        };
        LastExit { index, kind, text }
    });
    told.collect()
}

/// The exit in a page; its kind where it is one that makes no sense.
pub(super) fn describe<G: GuestArch>(page: &mut [u64]) -> String {
    let kind = format!("{:?}", page::reason(page));
    let page = Page::<G>::from_words(page).ok();
    let exit = page.and_then(|page| page.decode().ok());
    exit.map_or(kind, |exit| exit.to_string())
}
