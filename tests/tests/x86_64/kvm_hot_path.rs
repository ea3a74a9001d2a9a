//! What a run costs beside the system call: nothing is allocated, and no payload is copied.
#![expect(unsafe_code, reason = "counts the program's allocations")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use kvm_core::kvm_sys::kvm_regs;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Slot, Vcpu};
use kvm_tests::checks::{self, NotRun};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of what is asked of it.
struct Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is that of this very method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is that of this very method, and `alloc` is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Writes and reads a port and an address without memory, for ever.
const CODE: &[u8] = &[
    0xe6, 0x10, // out %al, $0x10
    0xe4, 0x11, // in $0x11, %al
    0xa2, 0x00, 0x80, // mov %al, 0x8000
    0xa0, 0x01, 0x80, // mov 0x8001, %al
    0xeb, 0xf4, // jmp back to the start
];

const EXITS: usize = 4000;

fn vcpu() -> Result<Vcpu, NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    vm.set_tss_address(0xfffb_d000).unwrap();
    let ram = AnonymousMemory::new(0x4000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    vm.write_memory(GuestAddress(0x1000), CODE).unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let mut sregs = vcpu.get_sregs().unwrap();
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs).unwrap();
    let regs = kvm_regs {
        rip: 0x1000,
        rflags: 2,
        ..Default::default()
    };
    vcpu.set_regs(&regs).unwrap();
    Ok(vcpu)
}

/// The addresses of the run page.
fn page(vcpu: &Vcpu) -> Range<usize> {
    let page = vcpu.run_page();
    let start = std::ptr::from_ref(page).cast::<u8>().addr();
    start..start + size_of_val(page)
}

/// Handles an exit as a device would, and gives the address of its payload.
fn answer(exit: Exit<'_>) -> usize {
    let data = match exit {
        Exit::IoOut(io) => io.data,
        Exit::MmioWrite(mmio) => mmio.data,
        Exit::IoIn(io) => {
            io.data.fill(1);
            io.data
        }
        Exit::MmioRead(mmio) => {
            mmio.data.fill(2);
            mmio.data
        }
        other => panic!("{other}"),
    };
    data.as_ptr().addr()
}

fn run_allocates_nothing_and_copies_nothing() -> Result<(), NotRun> {
    let mut vcpu = vcpu()?;
    let page = page(&vcpu);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..EXITS {
        let (exit, _) = vcpu.run().unwrap();
        assert!(
            page.contains(&answer(exit)),
            "a payload is not in the run page"
        );
    }
    for _ in 0..EXITS {
        let payload = vcpu.run_with(|exit, _| answer(exit)).unwrap();
        assert!(page.contains(&payload), "a payload is not in the run page");
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(allocations, 0, "allocations in {} exits", 2 * EXITS);
    Ok(())
}

/// Without it the check above could not fail.
fn allocations_are_counted() -> Result<(), NotRun> {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    drop(std::hint::black_box(Box::new(0)));
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 1);
    Ok(())
}

pub(crate) fn main() {
    checks::main(&[
        ("allocations_are_counted", allocations_are_counted),
        (
            "run_allocates_nothing_and_copies_nothing",
            run_allocates_nothing_and_copies_nothing,
        ),
    ]);
}
