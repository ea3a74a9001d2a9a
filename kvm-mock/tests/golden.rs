//! A recording of version 1 that was made once, and is read for ever. It is never made again; see the README beside it.
//!
//! The calls are made below the typed layer, which may come to make others.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![expect(unsafe_code, reason = "makes calls below the typed layer")]

use std::ptr::NonNull;

use kvm_core::kvm_exit::{Aarch64, CoalescedWrite, Page, RunPage, X86_64};
use kvm_core::{AnonymousMemory, Arg, Backing, Errno, Exit, Hypervisor, Mapping, Region, Span};
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{Architecture, Outcome, Replay, ReplayError, ReplayOptions};
use kvm_sys::x86_64::{KVM_GET_REGS, KVM_SET_REGS};
use kvm_sys::{
    DirtyGfnFlags, KVM_CAP_DIRTY_LOG_RING, KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_ENABLE_CAP,
    KVM_GET_API_VERSION, KVM_IOEVENTFD, KVM_MEM_LOG_DIRTY_PAGES, KVM_REGISTER_COALESCED_MMIO,
    KVM_RESET_DIRTY_RINGS, KVM_SET_USER_MEMORY_REGION, kvm_coalesced_mmio_zone, kvm_enable_cap,
    kvm_ioeventfd, kvm_regs, kvm_userspace_memory_region,
};
use zerocopy::IntoBytes;

const GOLDEN: &[u8] = include_bytes!("golden/version-1-x86_64.kvmrec");

const REGION: Region = Region::Run {
    len: 0x3000,
    private: 0x2000,
};

/// Made with times, registers and a dirty log; it has coalesced writes as well.
const MORE: &[u8] = include_bytes!("golden/version-1-more-x86_64.kvmrec");

/// Made with eventfds kept by the recorder; it has a dirty ring as well.
const SIGNALS: &[u8] = include_bytes!("golden/version-1-signals-x86_64.kvmrec");

/// What the run gives.
const TOLD: &[&str] = &[
    "version 12",
    "vCPU again: EEXIST",
    "rip 0x1234",
    "io out 0x3f8 <- 48",
    "io in 0x60 len 1",
    "mmio write 0x100000 <- 01 02 03 04",
    "memory 9 8 7 6",
    "EINTR",
    "hlt",
];

/// Enters the guest and gives the exit as text. What it asks for is answered with `reply`.
fn enter<H: Hypervisor>(vcpu: &H, mapping: &Mapping, reply: u8) -> String {
    // SAFETY: this is a vCPU, no reference into its page lives, and there is one thread.
    if let Err(errno) = unsafe { vcpu.enter() } {
        return format!("{errno:?}");
    }
    // SAFETY: the page is longer than that.
    let start = unsafe { mapping.start().add(RunPage::OFFSET) };
    let words = (mapping.private() - RunPage::OFFSET) / 8;
    let words = std::ptr::slice_from_raw_parts_mut(start.cast::<u64>().as_ptr(), words);
    // SAFETY: between two entries the bytes from 8 on are the user's; the mapping keeps them.
    let page = Page::<X86_64>::from_words(unsafe { &mut *words }).unwrap();
    let mut exit = page.decode().unwrap();
    let text = exit.to_string();
    if let Exit::IoIn(io) = &mut exit {
        io.data.fill(reply);
    }
    text
}

/// The run that was recorded.
fn run<H: Hypervisor<Guest = X86_64>>(system: &H, reply: u8) -> Result<Vec<String>, Errno> {
    let memory = AnonymousMemory::new(0x4000).unwrap();
    let mut told = Vec::new();
    // SAFETY: takes nothing.
    let version = unsafe { system.ioctl(&KVM_GET_API_VERSION, &mut Arg::None) }?;
    told.push(format!("version {version}"));
    // SAFETY: takes an integer.
    let vm = unsafe { system.create(&KVM_CREATE_VM, &mut Arg::Value(0)) }?;
    let region = kvm_userspace_memory_region {
        memory_size: 0x4000,
        userspace_addr: memory.start().as_ptr() as u64,
        ..Default::default()
    };
    let mut arg = Arg::In(region.as_bytes());
    // SAFETY: `memory` outlives the VM's objects, which are dropped before it, and no reference covers it.
    unsafe { vm.ioctl(&KVM_SET_USER_MEMORY_REGION, &mut arg) }?;
    // SAFETY: takes an integer.
    let vcpu = unsafe { vm.create(&KVM_CREATE_VCPU, &mut Arg::Value(0)) }?;
    let mapping = vcpu.map(REGION)?;
    // SAFETY: takes an integer.
    let again = unsafe { vm.create(&KVM_CREATE_VCPU, &mut Arg::Value(0)) };
    told.push(format!("vCPU again: {:?}", again.err().unwrap_or(Errno(0))));
    let regs = kvm_regs {
        rip: 0x1234,
        rflags: 2,
        ..Default::default()
    };
    // SAFETY: the bytes are those of the structure.
    unsafe { vcpu.ioctl(&KVM_SET_REGS, &mut Arg::In(regs.as_bytes())) }?;
    let mut regs = kvm_regs::default();
    // SAFETY: as before.
    unsafe { vcpu.ioctl(&KVM_GET_REGS, &mut Arg::Mut(regs.as_mut_bytes())) }?;
    told.push(format!("rip {:#x}", regs.rip));
    for _ in 0..3 {
        told.push(enter(&vcpu, &mapping, reply));
    }
    let written = [0x1ffe, 0x1fff, 0x2000, 0x2001].map(|at| {
        // SAFETY: inside the memory.
        let byte = unsafe { memory.start().add(at) };
        // SAFETY: the same; memory in a slot is read by volatile accesses.
        unsafe { byte.read_volatile() }.to_string()
    });
    told.push(format!("memory {}", written.join(" ")));
    for _ in 0..2 {
        told.push(enter(&vcpu, &mapping, reply));
    }
    Ok(told)
}

/// The run that was recorded with all that recordings may have.
fn run_more<H: Hypervisor<Guest = X86_64>>(system: &H) -> Result<Vec<String>, Errno> {
    let memory = AnonymousMemory::new(0x4000).unwrap();
    // SAFETY: takes an integer.
    let vm = unsafe { system.create(&KVM_CREATE_VM, &mut Arg::Value(0)) }?;
    let region = kvm_userspace_memory_region {
        memory_size: 0x4000,
        userspace_addr: memory.start().as_ptr() as u64,
        ..Default::default()
    };
    let mut arg = Arg::In(region.as_bytes());
    // SAFETY: `memory` outlives the VM's objects, which are dropped before it, and no reference covers it.
    unsafe { vm.ioctl(&KVM_SET_USER_MEMORY_REGION, &mut arg) }?;
    // SAFETY: takes an integer.
    let vcpu = unsafe { vm.create(&KVM_CREATE_VCPU, &mut Arg::Value(0)) }?;
    let mapping = vcpu.map(REGION)?;
    let zone = kvm_coalesced_mmio_zone {
        addr: 0x10_0000,
        size: 0x1000,
        pio: 0,
    };
    let mut arg = Arg::In(zone.as_bytes());
    // SAFETY: the bytes are those of the structure.
    unsafe { vm.ioctl(&KVM_REGISTER_COALESCED_MMIO, &mut arg) }?;
    let mut told = vec![enter(&vcpu, &mapping, 0), enter(&vcpu, &mapping, 0)];
    let at = |start: NonNull<u8>, at: usize| {
        // SAFETY: the offsets below are inside the memory and the mapping.
        let byte = unsafe { start.add(at) };
        // SAFETY: the same; memory that others may write is read by volatile accesses.
        unsafe { byte.read_volatile() }
    };
    let written = [0x1fff, 0x2000, 0x3000].map(|offset| at(memory.start(), offset));
    told.push(format!("memory {written:?}"));
    // The indices of the ring, then address and data of its first write.
    let ring = [0, 4, 8, 24].map(|offset| at(mapping.start(), 0x2000 + offset));
    told.push(format!("ring {ring:?}"));
    Ok(told)
}

/// The run that was recorded with what tells the VMM of the guest without an exit.
#[cfg(target_os = "linux")]
fn run_signals<H: Hypervisor<Guest = X86_64>>(system: &H) -> Result<Vec<String>, Errno> {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    const RING: usize = 0x1000;
    let memory = AnonymousMemory::new(0x4000).unwrap();
    // SAFETY: takes no address.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the descriptor was just made, and nobody else has it.
    let mut bell = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: takes an integer.
    let vm = unsafe { system.create(&KVM_CREATE_VM, &mut Arg::Value(0)) }?;
    let enable = kvm_enable_cap {
        cap: KVM_CAP_DIRTY_LOG_RING,
        args: [RING as u64, 0, 0, 0],
        ..Default::default()
    };
    // SAFETY: the bytes are those of the structure, and hold no address.
    unsafe { vm.ioctl(&KVM_ENABLE_CAP, &mut Arg::In(enable.as_bytes())) }?;
    let region = kvm_userspace_memory_region {
        flags: KVM_MEM_LOG_DIRTY_PAGES,
        memory_size: 0x4000,
        userspace_addr: memory.start().as_ptr() as u64,
        ..Default::default()
    };
    let mut arg = Arg::In(region.as_bytes());
    // SAFETY: `memory` outlives the VM's objects, which are dropped before it, and no reference covers it.
    unsafe { vm.ioctl(&KVM_SET_USER_MEMORY_REGION, &mut arg) }?;
    let event = kvm_ioeventfd {
        addr: 0x10_0000,
        len: 4,
        fd: bell.as_raw_fd(),
        ..Default::default()
    };
    // SAFETY: the bytes are those of the structure, and the descriptor is open.
    unsafe { vm.ioctl(&KVM_IOEVENTFD, &mut Arg::In(event.as_bytes())) }?;
    // SAFETY: takes an integer.
    let vcpu = unsafe { vm.create(&KVM_CREATE_VCPU, &mut Arg::Value(0)) }?;
    let mapping = vcpu.map(REGION)?;
    let ring = vcpu.map(Region::DirtyRing { len: RING })?;
    // SAFETY: the mapping's bytes are words that are accessed atomically, and it outlives the span.
    let ring = (
        unsafe { Span::new(ring.start(), ring.len()) }.unwrap(),
        ring,
    );
    let mut told = vec![enter(&vcpu, &mapping, 0)];
    let mut count = [0; 8];
    bell.read_exact(&mut count).unwrap();
    told.push(format!("signals {}", u64::from_ne_bytes(count)));
    for entry in [0, 16, 32] {
        let words = [0, 8].map(|word| ring.0.load_acquire(entry + word).unwrap());
        told.push(format!("ring {words:?}"));
    }
    // The first one was harvested.
    assert!(
        ring.0
            .store_release(0, DirtyGfnFlags::KVM_DIRTY_GFN_F_RESET.bits().into())
    );
    // SAFETY: takes nothing.
    let reset = unsafe { vm.ioctl(&KVM_RESET_DIRTY_RINGS, &mut Arg::None) }?;
    told.push(format!(
        "reset {reset}, {}",
        ring.0.load_acquire(0).unwrap()
    ));
    told.push(enter(&vcpu, &mapping, 0));
    Ok(told)
}

#[cfg(target_os = "linux")]
#[test]
fn the_recording_with_signals_replays_as_it_ran() {
    let replay = replay(SIGNALS).unwrap();
    let told = run_signals(&replay).unwrap();
    let expected = [
        "io out 0x3f8 <- 48",
        "signals 2",
        "ring [1, 2]",
        "ring [1, 3]",
        "ring [0, 0]",
        "reset 1, 0",
        "hlt",
    ];
    assert_eq!(told, expected);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn the_recording_with_signals_is_read_as_it_was_written() {
    let recording = Recording::from_bytes(SIGNALS).unwrap();
    let (mut bells, mut pages, mut maps) = (vec![], vec![], vec![]);
    for record in recording.records() {
        match record.content {
            Content::Doorbell {
                pio: false,
                address,
                len,
                value,
            } => bells.push((address, len, value)),
            Content::DirtyRing(ring) => pages.extend(ring.iter().map(|page| page.page)),
            Content::Map { len, private, .. } => maps.push((len, private)),
            _ => {}
        }
    }
    assert_eq!(bells, [(0x10_0000, 4, 1), (0x10_0000, 4, 2)]);
    assert_eq!(pages, [2, 3]);
    assert_eq!(maps, [(0x3000, 0x2000), (0x1000, 0)]);
}

#[test]
fn the_recording_with_more_replays_as_it_ran() {
    let replay = replay(MORE).unwrap();
    let told = run_more(&replay).unwrap();
    let expected = [
        "io out 0x3f8 <- 48",
        "hlt",
        "memory [5, 6, 7]",
        "ring [0, 2, 8, 1]",
    ];
    assert_eq!(told, expected);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn the_recording_with_more_is_read_as_it_was_written() {
    let recording = Recording::from_bytes(MORE).unwrap();
    assert!(recording.has_times() && recording.has_memory());
    let (mut pages, mut writes, mut registers, mut times) = (vec![], vec![], vec![], vec![]);
    for record in recording.records() {
        match record.content {
            Content::Pages {
                slot: 0,
                pages: all,
            } => pages.extend(all.iter().map(|page| page.offset())),
            Content::Coalesced(all) => {
                writes.extend(
                    all.iter()
                        .map(|write| CoalescedWrite::decode(*write).unwrap().data().to_vec()),
                );
            }
            Content::Registers { name, bytes } => registers.push((name, bytes.len())),
            Content::Entry(entry) => times.push(entry.times.unwrap()),
            _ => {}
        }
    }
    assert_eq!(pages, [0x1000, 0x2000, 0x3000]);
    assert_eq!(writes, [[1], [2]]);
    let sets = [("KVM_GET_REGS", 144), ("KVM_GET_SREGS", 312)];
    assert_eq!(registers, [sets, sets].concat());
    assert!(times.iter().all(|times| times.entered <= times.exited));
    assert_eq!(times.len(), 2);
}

fn replay(bytes: &[u8]) -> Result<Replay<X86_64>, ReplayError> {
    ReplayOptions::new().guest_from_bytes(bytes)
}

#[test]
fn the_recording_replays_as_it_ran() {
    let replay = replay(GOLDEN).unwrap();
    let told = run(&replay, 0x1c).unwrap();
    assert_eq!(told, TOLD);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn another_reply_is_noticed() {
    let replay = replay(GOLDEN).unwrap();
    let told = run(&replay, 0x1d).unwrap();
    assert_eq!(told[5], "DIVERGED");
    assert!(matches!(replay.outcome(), Outcome::Diverged(_)));
}

#[test]
fn it_is_of_its_architecture_only() {
    let other = ReplayOptions::new().guest_from_bytes::<Aarch64>(GOLDEN);
    assert!(matches!(
        other.unwrap_err(),
        ReplayError::Architecture {
            found: Architecture::X86_64,
            ..
        }
    ));
}

#[test]
fn every_flipped_bit_of_each_is_refused() {
    for golden in [GOLDEN, MORE, SIGNALS] {
        let mut bytes = golden.to_vec();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(replay(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
