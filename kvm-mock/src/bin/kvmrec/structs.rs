//! The structures that calls take, as text.

use std::fmt::Debug;

use kvm_sys::op::{Op, Takes};
use kvm_sys::{
    Arch, kvm_clock_data, kvm_create_device, kvm_create_guest_memfd, kvm_device_attr,
    kvm_enable_cap, kvm_interrupt, kvm_ioeventfd, kvm_irq_level, kvm_irqfd, kvm_memory_attributes,
    kvm_mp_state, kvm_msi, kvm_one_reg, kvm_translation, kvm_userspace_memory_region,
    kvm_userspace_memory_region2, x86_64,
};
use zerocopy::FromBytes;

use crate::text::{hex, structure};

/// Characters that a structure takes at most on a line.
const SHOWN: usize = 160;

/// The argument of a call: its fields where they are few, else how much there is of it. Fields that are zero are
/// left out.
pub(crate) fn describe(op: &Op, bytes: &[u8], arch: Option<Arch>, full: bool) -> String {
    let name = structure(op).unwrap_or("bytes");
    if let Some(text) = fields(name, bytes, arch) {
        return if full { text } else { shorten(text) };
    }
    match op.takes {
        _ if bytes.len() <= 16 => hex(bytes),
        Takes::Struct {
            size,
            flex: Some(flex),
            ..
        } => {
            let element = usize::try_from(flex.element).unwrap_or(1).max(1);
            let fixed = usize::try_from(size).unwrap_or(0);
            let elements = bytes.len().saturating_sub(fixed) / element;
            format!("{name} of {elements} elements")
        }
        _ => format!("{name} of {} bytes", bytes.len()),
    }
}

fn fields(name: &str, bytes: &[u8], arch: Option<Arch>) -> Option<String> {
    macro_rules! any {
        ($($structure:ident),* $(,)?) => {
            match name {
                $(stringify!($structure) => return pretty::<$structure>(bytes),)*
                _ => {}
            }
        };
    }
    any!(
        kvm_clock_data,
        kvm_create_device,
        kvm_create_guest_memfd,
        kvm_device_attr,
        kvm_enable_cap,
        kvm_interrupt,
        kvm_ioeventfd,
        kvm_irq_level,
        kvm_irqfd,
        kvm_memory_attributes,
        kvm_mp_state,
        kvm_msi,
        kvm_one_reg,
        kvm_translation,
        kvm_userspace_memory_region,
        kvm_userspace_memory_region2,
    );
    if arch != Some(Arch::X86_64) {
        return None;
    }
    match name {
        "kvm_regs" => pretty::<x86_64::kvm_regs>(bytes),
        "kvm_sregs" => pretty::<x86_64::kvm_sregs>(bytes),
        "kvm_sregs2" => pretty::<x86_64::kvm_sregs2>(bytes),
        "kvm_guest_debug" => pretty::<x86_64::kvm_guest_debug>(bytes),
        "kvm_debugregs" => pretty::<x86_64::kvm_debugregs>(bytes),
        "kvm_vcpu_events" => pretty::<x86_64::kvm_vcpu_events>(bytes),
        "kvm_pit_config" => pretty::<x86_64::kvm_pit_config>(bytes),
        "kvm_msrs" => msrs(bytes),
        _ => None,
    }
}

fn pretty<T: FromBytes + Debug>(bytes: &[u8]) -> Option<String> {
    let value = T::read_from_bytes(bytes).ok()?;
    Some(one_line(&format!("{value:#x?}")))
}

/// Registers and their values.
fn msrs(bytes: &[u8]) -> Option<String> {
    let (head, entries) = x86_64::kvm_msrs::read_from_prefix(bytes).ok()?;
    let mut text = String::from("kvm_msrs {");
    let size = size_of::<x86_64::kvm_msr_entry>();
    let count = usize::try_from(head.nmsrs).ok()?;
    for entry in entries.chunks_exact(size).take(count) {
        let entry = x86_64::kvm_msr_entry::read_from_bytes(entry).ok()?;
        text += &format!(" {:#x}: {:#x},", entry.index, entry.data);
    }
    Some(text.trim_end_matches(',').to_owned() + " }")
}

fn shorten(text: String) -> String {
    if text.chars().count() <= SHOWN {
        return text;
    }
    let start: String = text.chars().take(SHOWN).collect();
    start + " .."
}

/// What is open while the lines of a value's pretty `Debug` go by.
struct Open {
    head: String,
    items: Vec<String>,
    /// Whether all items are zero so far.
    zero: bool,
}

/// A value's pretty `Debug` on one line, without fields that are zero.
fn one_line(pretty: &str) -> String {
    let mut stack = vec![Open {
        head: String::new(),
        items: Vec::new(),
        zero: true,
    }];
    for line in pretty.lines() {
        let line = line.trim().trim_end_matches(',');
        if line.ends_with(['{', '[', '(']) {
            // The type of a field goes without saying.
            let head = match line.split_once(": ") {
                Some((name, _)) if line.ends_with('{') => format!("{name}: {{"),
                _ => line.to_owned(),
            };
            stack.push(Open {
                head,
                items: Vec::new(),
                zero: true,
            });
            continue;
        }
        let (item, zero) = if line.starts_with(['}', ']', ')']) {
            let Some(open) = stack.pop() else { continue };
            let items = open.items.join(", ");
            let text = match items.as_str() {
                "" => format!("{}{line}", open.head),
                items => format!("{} {items} {line}", open.head),
            };
            (text, open.zero)
        } else {
            (line.to_owned(), is_zero(line))
        };
        if let Some(open) = stack.last_mut() {
            open.zero &= zero;
            // A list keeps its zeros, so that places can be counted.
            if !zero || open.head.ends_with('[') || stack.len() == 1 {
                if let Some(open) = stack.last_mut() {
                    open.items.push(item);
                }
            }
        }
    }
    let items = stack.into_iter().flat_map(|open| open.items);
    items.collect::<Vec<_>>().join(" ")
}

fn is_zero(line: &str) -> bool {
    let value = line.rsplit_once(": ").map_or(line, |(_, value)| value);
    value == "0x0" || value.ends_with("(0x0)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_zero_are_left_out() {
        let region = kvm_userspace_memory_region {
            slot: 1,
            memory_size: 0x4000,
            ..Default::default()
        };
        assert_eq!(
            one_line(&format!("{region:#x?}")),
            "kvm_userspace_memory_region { slot: 0x1, memory_size: 0x4000 }"
        );
        let mut sregs = x86_64::kvm_sregs::default();
        sregs.cs.base = 0xffff_0000;
        sregs.interrupt_bitmap[1] = 2;
        assert_eq!(
            one_line(&format!("{sregs:#x?}")),
            "kvm_sregs { cs: { base: 0xffff0000 }, interrupt_bitmap: [ 0x0, 0x2, 0x0, 0x0 ] }"
        );
        let nothing = x86_64::kvm_regs::default();
        assert_eq!(one_line(&format!("{nothing:#x?}")), "kvm_regs {}");
    }

    #[test]
    fn what_is_too_long_is_counted() {
        let long = describe(
            &kvm_sys::KVM_SET_LAPIC,
            &[0; 1024],
            Some(Arch::X86_64),
            false,
        );
        assert_eq!(long, "kvm_lapic_state of 1024 bytes");
        let cpuid = describe(
            &kvm_sys::KVM_SET_CPUID2,
            &[0; 88],
            Some(Arch::X86_64),
            false,
        );
        assert_eq!(cpuid, "kvm_cpuid2 of 2 elements");
    }
}
