//! Reads profiles, a line at a time.

use kvm_core::kvm_sys::aarch64::kvm_vcpu_init;
use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::x86_64::{CpuidFlags, kvm_cpuid_entry2};
use kvm_core::kvm_sys::{Cap, DeviceType, KVM_REG_SIZE};

use super::display::gets;
use super::error::{ProfileError, What};
use super::{MOST_REGISTER_BYTES, VERSION};
use crate::model::guest::Platform;
use crate::model::host::Host;

/// What has been read.
struct Reader {
    platform: &'static Platform,
    host: Host,
    seen: Seen,
    /// The call whose state the lines with offsets are.
    bank: Option<&'static Op>,
}

/// The lines that there have to be, once.
#[derive(Default)]
struct Seen(Vec<&'static str>);

const NEEDED: [&str; 5] = ["arch", "name", "api-version", "page-size", "vcpu-mmap-size"];

/// The words of a line behind its first.
struct Words<'a>(std::str::SplitAsciiWhitespace<'a>);

/// Reads a host of this architecture.
pub(super) fn parse(text: &str, platform: &'static Platform) -> Result<Host, ProfileError> {
    let mut reader = Reader {
        platform,
        host: Host::unnamed(),
        seen: Seen::default(),
        bank: None,
    };
    let lines = text.lines().map(|line| match line.split_once('#') {
        Some((line, _)) => line.trim(),
        None => line.trim(),
    });
    let mut lines = (1..).zip(lines).filter(|(_, line)| !line.is_empty());
    let mut last = 1;
    match lines.next() {
        Some((at, line)) => version(line).map_err(|what| ProfileError::new(at, what))?,
        None => return Err(ProfileError::new(last, What::NotAProfile)),
    }
    for (at, line) in lines {
        reader
            .line(line)
            .map_err(|what| ProfileError::new(at, what))?;
        last = at;
    }
    match NEEDED.iter().find(|word| !reader.seen.0.contains(word)) {
        Some(word) => Err(ProfileError::new(last, What::Lacks(word))),
        None => Ok(reader.host),
    }
}

fn version(line: &str) -> Result<(), What> {
    let version = line.strip_prefix("kvm-profile ").ok_or(What::NotAProfile)?;
    if version.trim() == VERSION {
        Ok(())
    } else {
        Err(What::Version(version.trim().to_owned()))
    }
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), What> {
        let (keyword, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if let Some(offset) = keyword.strip_prefix('+') {
            return self.bytes(offset, rest.trim());
        }
        self.bank = None;
        if keyword == "name" {
            self.seen.once("name")?;
            self.host.name = rest.trim().to_owned().into();
            return Ok(());
        }
        let mut words = Words(rest.split_ascii_whitespace());
        self.say(keyword, &mut words)?;
        match words.0.next() {
            Some(word) => Err(What::TooMuch(word.to_owned())),
            None => Ok(()),
        }
    }

    fn say(&mut self, keyword: &str, words: &mut Words<'_>) -> Result<(), What> {
        let host = &mut self.host;
        match keyword {
            "arch" => {
                self.seen.once("arch")?;
                let arch = words.word("an architecture")?;
                if arch != self.platform.arch.name() {
                    return Err(What::Architecture {
                        found: arch.to_owned(),
                        wanted: self.platform.arch.name(),
                    });
                }
                Ok(())
            }
            "synthetic" => {
                self.seen.once("synthetic")?;
                host.synthetic = true;
                Ok(())
            }
            "api-version" => self
                .seen
                .number("api-version", &mut host.api_version, words),
            "page-size" => self.seen.number("page-size", &mut host.page_size, words),
            "vcpu-mmap-size" => {
                let size = &mut host.vcpu_mmap_size;
                self.seen.number("vcpu-mmap-size", size, words)
            }
            "tsc-khz" => self.seen.number("tsc-khz", &mut host.tsc_khz, words),
            "mce-cap" => {
                self.seen.once("mce-cap")?;
                host.mce_cap = words.number("mce-cap")?;
                Ok(())
            }
            "cap" => first(host.caps.insert(words.cap()?, words.number("cap")?)),
            "vm-cap" => first(host.vm_caps.insert(words.cap()?, words.number("vm-cap")?)),
            "device" => match host.devices.insert(words.device()?) {
                true => Ok(()),
                false => Err(What::Twice),
            },
            "cpuid" => add(&mut host.cpuid, words.leaf()?),
            "emulated-cpuid" => add(&mut host.emulated_cpuid, words.leaf()?),
            "hv-cpuid" => add(&mut host.hv_cpuid, words.leaf()?),
            "msr" => first(host.msrs.insert(words.number("msr")?, words.number("msr")?)),
            "unlisted-msr" => {
                let (index, value) = (words.number("unlisted-msr")?, words.number("unlisted-msr")?);
                first(host.unlisted_msrs.insert(index, value))
            }
            "feature-msr" => {
                let (index, value) = (words.number("feature-msr")?, words.number("feature-msr")?);
                first(host.feature_msrs.insert(index, value))
            }
            "target" => {
                self.seen.once("target")?;
                host.target = words.target()?;
                Ok(())
            }
            "writable" => {
                let (id, mask) = (words.number("writable")?, words.number("writable")?);
                first(host.writable.insert(id, mask))
            }
            "reg" => {
                let id = words.number("reg")?;
                let value = register(id, words.word("a value")?)?;
                if host.registers.has(id) {
                    return Err(What::Twice);
                }
                host.registers.put(id, value.as_slice());
                Ok(())
            }
            "bank" => self.begin_bank(words.word("a call")?),
            _ => Err(What::Unknown(keyword.to_owned())),
        }
    }

    /// The state that a call gives follows.
    fn begin_bank(&mut self, name: &str) -> Result<(), What> {
        // What the kernel writes down in the order of its architecture is in the text as it is.
        if cfg!(target_endian = "big") {
            return Err(What::ByteOrder);
        }
        let op = gets(self.platform).find(|op| op.name == name);
        let Some((op, bank)) = op.and_then(|op| Some((op, op.bank?))) else {
            return Err(What::Unknown(name.to_owned()));
        };
        self.bank = Some(op);
        first(self.host.resets.insert(bank, vec![0; op.size()]))
    }

    /// Bytes of the bank, at an offset.
    fn bytes(&mut self, offset: &str, digits: &str) -> Result<(), What> {
        let bank = self.bank.and_then(|op| op.bank).ok_or(What::NoBank)?;
        let bytes = hex(&digits.replace(char::is_whitespace, ""))
            .ok_or_else(|| What::NoBytes(digits.to_owned()))?;
        let offset = number(offset).and_then(|at| usize::try_from(at).ok());
        let to = self.host.resets.get_mut(bank).zip(offset);
        let to = to.and_then(|(bank, at)| bank.get_mut(at..)?.get_mut(..bytes.len()));
        to.ok_or(What::Outside)?.copy_from_slice(&bytes);
        Ok(())
    }
}

impl Seen {
    fn once(&mut self, word: &'static str) -> Result<(), What> {
        if self.0.contains(&word) {
            return Err(What::Twice);
        }
        self.0.push(word);
        Ok(())
    }

    fn number(
        &mut self,
        word: &'static str,
        to: &mut u32,
        words: &mut Words<'_>,
    ) -> Result<(), What> {
        self.once(word)?;
        *to = words.number(word)?;
        Ok(())
    }
}

/// What a second line about the same comes to.
fn first<T>(before: Option<T>) -> Result<(), What> {
    match before {
        None => Ok(()),
        Some(_) => Err(What::Twice),
    }
}

fn add<T>(list: &mut Vec<T>, element: T) -> Result<(), What> {
    list.push(element);
    Ok(())
}

impl<'a> Words<'a> {
    fn word(&mut self, what: &'static str) -> Result<&'a str, What> {
        self.0.next().ok_or(What::Expected(what))
    }

    fn number<T: TryFrom<u64>>(&mut self, _: &'static str) -> Result<T, What> {
        let word = self.word("a number")?;
        number(word)
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| What::NoNumber(word.to_owned()))
    }

    /// By the kernel's name or, if it is too new to have one here, by number.
    fn cap(&mut self) -> Result<Cap, What> {
        let word = self.word("a capability")?;
        let named = Cap::NAMES.iter().find(|(_, name)| *name == word);
        named
            .map(|(cap, _)| *cap)
            .or_else(|| Some(Cap(u32::try_from(number(word)?).ok()?)))
            .ok_or_else(|| What::Unknown(word.to_owned()))
    }

    /// As [`cap`](Self::cap).
    fn device(&mut self) -> Result<DeviceType, What> {
        let word = self.word("a type of device")?;
        let named = DeviceType::NAMES.iter().find(|(_, name)| *name == word);
        named
            .map(|(kind, _)| *kind)
            .or_else(|| Some(DeviceType(u32::try_from(number(word)?).ok()?)))
            .ok_or_else(|| What::Unknown(word.to_owned()))
    }

    fn leaf(&mut self) -> Result<kvm_cpuid_entry2, What> {
        Ok(kvm_cpuid_entry2 {
            function: self.number("cpuid")?,
            index: self.number("cpuid")?,
            flags: CpuidFlags::from_bits_retain(self.number("cpuid")?),
            eax: self.number("cpuid")?,
            ebx: self.number("cpuid")?,
            ecx: self.number("cpuid")?,
            edx: self.number("cpuid")?,
            ..Default::default()
        })
    }

    fn target(&mut self) -> Result<kvm_vcpu_init, What> {
        let mut init = kvm_vcpu_init {
            target: self.number("target")?,
            ..Default::default()
        };
        for word in &mut init.features {
            *word = self.number("target")?;
        }
        Ok(init)
    }
}

/// Decimal, or hexadecimal with `0x`.
fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// The bytes of a register, which is as long as its id says.
fn register(id: u64, word: &str) -> Result<Vec<u8>, What> {
    let len = usize::try_from(KVM_REG_SIZE(id)).unwrap_or(usize::MAX);
    if len > MOST_REGISTER_BYTES {
        return Err(What::Outside);
    }
    let no_number = || What::NoNumber(word.to_owned());
    let digits = word.strip_prefix("0x").ok_or_else(no_number)?;
    let digits = match digits.len() % 2 {
        0 => digits.to_owned(),
        _ => format!("0{digits}"),
    };
    let mut bytes = hex(&digits).ok_or_else(no_number)?;
    if bytes.len() > len {
        return Err(What::Outside);
    }
    bytes.reverse();
    bytes.resize(len, 0);
    if cfg!(target_endian = "big") {
        bytes.reverse();
    }
    Ok(bytes)
}

/// The bytes of two digits each.
fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || digits.len() % 2 != 0 {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            let is_hex = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| is_hex)
        })
        .collect()
}
