//! The initramfs: an archive of the format that the kernel calls `newc`.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// An archive in the making.
pub(crate) struct Image {
    bytes: Vec<u8>,
    folders: Vec<PathBuf>,
    entries: u32,
}

impl Image {
    /// An image that boots `init` with these modules of the kernel that is unpacked in a folder.
    pub(crate) fn new<'a>(
        init: &Path,
        modules: impl IntoIterator<Item = &'a &'static str>,
        kernel: &Path,
    ) -> Result<Self> {
        let mut image = Self {
            bytes: Vec::new(),
            folders: Vec::new(),
            entries: 0,
        };
        image.add(Path::new("init"), init)?;
        image.folder(Path::new("dev"))?;
        image.entry(Path::new("dev/console"), CHARACTER_DEVICE, (5, 1), &[])?;
        image.folder(Path::new("lab/modules"))?;
        image.folder(Path::new("lab/programs"))?;
        for (index, name) in modules.into_iter().enumerate() {
            let file = module(&kernel.join("usr/lib/modules"), name)?
                .or(module(&kernel.join("lib/modules"), name)?)
                .with_context(|| format!("there is no module {name} in {}", kernel.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let place = format!("lab/modules/{index:02}-{name}");
            image.add(Path::new(&place), &file)?;
        }
        Ok(image)
    }

    /// Adds a file of the host, or a folder with what is in it.
    pub(crate) fn add(&mut self, place: &Path, source: &Path) -> Result<()> {
        let cannot = || format!("cannot read {}", source.display());
        if source.is_dir() {
            self.folder(place)?;
            let mut entries = Vec::new();
            for entry in std::fs::read_dir(source).with_context(cannot)? {
                entries.push(entry?.file_name());
            }
            entries.sort();
            for name in entries {
                self.add(&place.join(&name), &source.join(&name))?;
            }
            return Ok(());
        }
        self.file(place, &std::fs::read(source).with_context(cannot)?)
    }

    /// Adds a file that can be run, and the folders above it.
    pub(crate) fn file(&mut self, place: &Path, content: &[u8]) -> Result<()> {
        if let Some(parent) = place.parent() {
            self.folder(parent)?;
        }
        self.entry(place, FILE, (0, 0), content)
    }

    /// Adds words, each ended by a zero byte.
    pub(crate) fn words(&mut self, place: &Path, words: &[String]) -> Result<()> {
        let text: String = words
            .iter()
            .flat_map(|word| [word.as_str(), "\0"])
            .collect();
        self.file(place, text.as_bytes())
    }

    /// The archive.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry(Path::new("TRAILER!!!"), 0, (0, 0), &[])?;
        Ok(self.bytes)
    }

    fn folder(&mut self, place: &Path) -> Result<()> {
        let mut path = PathBuf::new();
        for component in place.components() {
            let Component::Normal(name) = component else {
                bail!("{} is not a place in the machine", place.display());
            };
            path.push(name);
            if !self.folders.contains(&path) {
                self.entry(&path, FOLDER, (0, 0), &[])?;
                self.folders.push(path.clone());
            }
        }
        Ok(())
    }

    fn entry(&mut self, place: &Path, mode: u32, device: (u32, u32), content: &[u8]) -> Result<()> {
        let name = place.to_str().context("a name is not UTF-8")?;
        let size = u32::try_from(content.len())
            .with_context(|| format!("{name} is too large for the machine's image"))?;
        let name_size = u32::try_from(name.len() + 1)?;
        self.entries += 1;
        self.bytes.write_all(b"070701")?;
        for field in [
            self.entries, // the inode
            mode,
            0, // the owner's user
            0, // and group
            1, // links
            0, // the time
            size,
            0, // the device that it is on
            0,
            device.0,
            device.1,
            name_size,
            0, // a checksum, for another format
        ] {
            write!(self.bytes, "{field:08x}")?;
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// The file of a module below a folder, compressed or not.
fn module(dir: &Path, name: &str) -> Result<Option<PathBuf>> {
    if !dir.is_dir() {
        return Ok(None);
    }
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if let Some(found) = module(&path, name)? {
                return Ok(Some(found));
            }
        } else if entry
            .file_name()
            .to_string_lossy()
            .split_once(".ko")
            .is_some_and(|(stem, _)| stem == name)
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_folders_before_their_files_and_is_aligned() {
        let dir = tempfile::tempdir().unwrap();
        let init = dir.path().join("init");
        std::fs::write(&init, b"abc").unwrap();
        let mut image = Image::new(&init, &[], dir.path()).unwrap();
        image
            .words(Path::new("lab/programs/0"), &["a".into(), String::new()])
            .unwrap();
        image.add(Path::new("in/all"), dir.path()).unwrap();
        let bytes = image.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        let names: Vec<_> = text
            .split("070701")
            .skip(1)
            .map(|entry| entry[104..].split('\0').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "init",
                "dev",
                "dev/console",
                "lab",
                "lab/modules",
                "lab/programs",
                "lab/programs/0",
                "in",
                "in/all",
                "in/all/init",
                "TRAILER!!!"
            ]
        );
        assert!(text.contains("lab/programs/0\0\0\0\0a\0\0\0"), "{text:?}");
    }

    #[test]
    fn a_module_is_found_by_its_whole_name() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("kernel/arch");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join("kvm-amd.ko.xz"), b"").unwrap();
        assert_eq!(module(dir.path(), "kvm").unwrap(), None);
        std::fs::write(below.join("kvm.ko"), b"").unwrap();
        assert_eq!(
            module(dir.path(), "kvm").unwrap(),
            Some(below.join("kvm.ko"))
        );
    }

    #[test]
    fn a_place_outside_the_machine_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let init = dir.path().join("init");
        std::fs::write(&init, b"").unwrap();
        let mut image = Image::new(&init, &[], dir.path()).unwrap();
        assert!(image.file(Path::new("in/../../x"), b"").is_err());
    }
}
