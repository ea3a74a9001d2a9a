//! The registers and page tables with which an x86_64 guest begins in long mode.

use kvm_core::kvm_sys::x86_64::{kvm_dtable, kvm_segment, kvm_sregs};

/// Where guests in long mode reach what is no memory.
pub const HIGH_MMIO: u64 = 0x1000_0000;

const PAGE_TABLES: u64 = 0x4000;

/// Where an entry of the page tables is, and what it is: present and writable. The two of the lowest level
/// map 2 MiB each to themselves: all memory, and the MMIO.
pub const TABLES: [(u64, u64); 4] = [
    (PAGE_TABLES, PAGE_TABLES + 0x1003),
    (PAGE_TABLES + 0x1000, PAGE_TABLES + 0x2003),
    (PAGE_TABLES + 0x2000, LARGE),
    (
        PAGE_TABLES + 0x2000 + HIGH_MMIO / 0x20_0000 * 8,
        HIGH_MMIO | LARGE,
    ),
];

/// Present, writable, a large page.
const LARGE: u64 = 0x83;

/// The registers in long mode, with the page tables of [`TABLES`] and no handlers of exceptions.
pub fn long_mode(sregs: kvm_sregs) -> kvm_sregs {
    const PE_PG: u64 = 1 | 1 << 31;
    const PAE: u64 = 1 << 5;
    const LME_LMA: u64 = 1 << 8 | 1 << 10;

    let data = kvm_segment {
        base: 0,
        limit: 0xffff_ffff,
        selector: 0x10,
        type_: 3,
        present: 1,
        db: 1,
        s: 1,
        g: 1,
        ..Default::default()
    };
    kvm_sregs {
        cs: kvm_segment {
            selector: 8,
            type_: 0xb,
            db: 0,
            l: 1,
            ..data
        },
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        idt: kvm_dtable::default(),
        cr0: sregs.cr0 | PE_PG,
        cr3: PAGE_TABLES,
        cr4: sregs.cr4 | PAE,
        efer: sregs.efer | LME_LMA,
        ..sregs
    }
}
