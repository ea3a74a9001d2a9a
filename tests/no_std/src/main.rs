//! A program without std that uses kvm-sys, kvm-exit and kvm-core.
//!
//! Its panic handler and allocator are its own. Had one of the crates pulled std in, there would be two
//! of each, and it would not link. It returns 0, with and without `/dev/kvm`.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_int};
use core::panic::PanicInfo;

use kvm_core::{AnonymousMemory, Errno, Error, GuestAddress, Kvm, Slot};
use kvm_exit::{Exit, IoIn, RunPage};
use kvm_sys::{KVM_CAP_USER_MEMORY, KVM_EXIT_IO, KVM_RUN};

/// The C library's allocator.
struct CAllocator;

// SAFETY: `aligned_alloc` gives memory of the asked size and alignment, or null, that is nobody else's
// until `free`.
unsafe impl GlobalAlloc for CAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let align = layout.align().max(size_of::<usize>());
        // SAFETY: takes two numbers: `align` is a power of two and at least a pointer's size, and the size
        // a multiple of it.
        unsafe { libc::aligned_alloc(align, layout.size().next_multiple_of(align)) }.cast()
    }

    unsafe fn dealloc(&self, start: *mut u8, _: Layout) {
        // SAFETY: the caller passes what `alloc` gave, once.
        unsafe { libc::free(start.cast()) }
    }
}

#[global_allocator]
static ALLOCATOR: CAllocator = CAllocator;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: ends the process; touches nothing of it.
    unsafe { libc::abort() }
}

/// Named by the unwind tables of the prebuilt `alloc`; std would define it. As panics abort, nobody calls it.
// SAFETY: the only definition in the program, or it would not link.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

fn uses_kvm_sys() -> bool {
    KVM_RUN.name == "KVM_RUN" && KVM_CAP_USER_MEMORY.name() == Some("KVM_CAP_USER_MEMORY")
}

/// Writes an exit into a page, and reads it back.
fn uses_kvm_exit() -> bool {
    let mut words = [0; RunPage::WORDS_4K];
    let Ok(page) = RunPage::from_words(&mut words) else {
        return false;
    };
    let mut reply = [0x1c];
    let exit = Exit::IoIn(IoIn {
        port: 0x60,
        size: 1,
        data: &mut reply,
    });
    page.encode(&exit).is_ok()
        && page.exit_reason() == KVM_EXIT_IO
        && matches!(page.decode(), Ok(Exit::IoIn(io)) if io.port == 0x60 && io.data == [0x1c])
}

/// Makes a VM with memory and a vCPU, where there is a KVM.
fn uses_kvm_core() -> Result<(), Error> {
    let vm = Kvm::open()?.create_vm()?;
    vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x1_0000)?)?;
    let vcpu = vm.create_vcpu(0)?;
    vcpu.get_mp_state().map(|_| ())
}

// SAFETY: the only `main` of the program, with the C library's signature.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    let kvm_core = match uses_kvm_core() {
        Ok(()) => true,
        // None here, or not for this user: said by an error all the same.
        Err(error) => matches!(error.errno(), Errno::ENOENT | Errno::EACCES | Errno::ENOTTY),
    };
    c_int::from(!(uses_kvm_sys() && uses_kvm_exit() && kvm_core))
}
