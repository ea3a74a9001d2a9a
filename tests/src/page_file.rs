//! A run page as text, to be committed: who reads it sees what a change of it changes.
//!
//! The first line is `run page of N bytes`. Then comes a line for each 16 bytes that are not all zero: the
//! offset in `struct kvm_run`, a colon, and the bytes, all in hexadecimal. Bytes 0 to 7, which belong to nobody's
//! exit, are left out.

use std::fmt::Write;

use kvm_core::kvm_exit::RunPage;
use zerocopy::IntoBytes;

const LINE: usize = 16;

/// The text of a page.
pub fn write(page: &RunPage) -> String {
    let mut bytes = vec![0; RunPage::OFFSET];
    bytes.extend_from_slice(page.as_bytes());
    let mut text = format!("run page of {} bytes\n", bytes.len());
    for (i, line) in bytes.chunks(LINE).enumerate() {
        if line.iter().any(|byte| *byte != 0) {
            let _ = write!(text, "{:04x}:", i * LINE);
            for byte in line {
                let _ = write!(text, " {byte:02x}");
            }
            text.push('\n');
        }
    }
    text
}

/// The words of the page from byte 8 on, if the text is one of a page.
pub fn read(text: &str) -> Option<Vec<u64>> {
    let mut lines = text.lines();
    let len = lines.next()?.strip_prefix("run page of ")?;
    let mut bytes = vec![0_u8; len.strip_suffix(" bytes")?.parse().ok()?];
    for line in lines {
        let (offset, line) = line.split_once(':')?;
        let offset = usize::from_str_radix(offset, 16).ok()?;
        let mut to = bytes.get_mut(offset..)?.iter_mut();
        for byte in line.split_whitespace() {
            *to.next()? = u8::from_str_radix(byte, 16).ok()?;
        }
    }
    let mut words = vec![0_u64; bytes.len().checked_sub(RunPage::OFFSET)? / 8];
    let page = bytes.get(RunPage::OFFSET..)?.get(..words.len() * 8)?;
    words.as_mut_bytes().copy_from_slice(page);
    Some(words)
}

#[cfg(test)]
mod tests {
    use kvm_core::Exit;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut words = [0; RunPage::WORDS_4K];
        let page = RunPage::from_words(&mut words).unwrap();
        page.encode(&Exit::IoapicEoi(0x31)).unwrap();
        let text = write(page);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert_eq!(read(&text).unwrap(), words);
    }

    #[test]
    fn other_text_is_no_page() {
        for text in [
            "",
            "run page",
            "run page of 9 bytes\n0010: 00",
            "run page of 64 bytes\n0: x",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
