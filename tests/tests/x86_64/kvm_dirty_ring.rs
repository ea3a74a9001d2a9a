//! Dirty rings while the guest runs: every write is told, on `/dev/kvm` and on the model.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::{KVM_CAP_DIRTY_LOG_RING, KVM_MEM_LOG_DIRTY_PAGES, kvm_regs};
use kvm_core::{
    AnonymousMemory, Cause, DirtyRing, Errno, Exit, GuestAddress, Hypervisor, Kvm, Memory, Slot,
    Vcpu, Vm,
};
use kvm_mock::{Model, Step};
use kvm_tests::checks::{self, NotRun};

const CODE: u64 = 0x1000;
const LOGGED: Slot = Slot(1);
const START: u64 = 0x1_0000;
/// No memory is there.
const MMIO: u64 = 0xd000_0000;
const PAGE: usize = 0x1000;
const PAGES: usize = 224;
/// The smallest ring there is: the guest writes to more pages than it tells of.
const SMALL: u32 = 0x1000;
/// One that is never full while it is harvested.
const LARGE: u32 = 1 << 20;

/// Counts, and writes the count to each logged page, for ever.
#[rustfmt::skip]
const WRITER: &[u8] = &[
    0x66, 0x43,                   // inc ebx
    0xb8, 0x00, 0x10,             // mov ax, 0x1000
    0x8e, 0xd8,                   // mov ds, ax
    0x66, 0x89, 0x1e, 0x08, 0x00, // mov [8], ebx
    0x05, 0x00, 0x01,             // add ax, 0x100
    0x3d, 0x00, 0xf0,             // cmp ax, 0xf000
    0x72, 0xf1,                   // jb to the mov to ds
    0xeb, 0xea,                   // jmp to the start
];

fn vm<H: Hypervisor<Guest = X86_64>>(kvm: &Kvm<H>, ring: u32) -> (Vm<H>, Memory) {
    let vm = kvm.create_vm().unwrap();
    vm.set_tss_address(0xfffb_d000).unwrap();
    vm.enable_dirty_ring(ring).unwrap();
    let code = AnonymousMemory::new(0x1_0000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), code).unwrap();
    vm.write_memory(GuestAddress(CODE), WRITER).unwrap();
    let ram = AnonymousMemory::new(PAGES * PAGE).unwrap();
    let address = GuestAddress(START);
    let ram = vm.add_memory_with(LOGGED, address, ram, KVM_MEM_LOG_DIRTY_PAGES);
    (vm, ram.unwrap())
}

fn vcpu<H: Hypervisor<Guest = X86_64>>(vm: &Vm<H>) -> Vcpu<H> {
    let vcpu = vm.create_vcpu(0).unwrap();
    let mut sregs = vcpu.get_sregs().unwrap();
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs).unwrap();
    let regs = kvm_regs {
        rip: CODE,
        rflags: 2,
        ..Default::default()
    };
    vcpu.set_regs(&regs).unwrap();
    vcpu
}

/// A copy of the logged memory, kept up by what the ring tells, as a migration does.
struct Copy {
    bytes: Vec<u8>,
    told: usize,
}

impl Copy {
    fn new() -> Self {
        Self {
            bytes: vec![0; PAGES * PAGE],
            told: 0,
        }
    }

    /// Gives how many pages the ring told of.
    fn keep_up<H: Hypervisor<Guest = X86_64>>(
        &mut self,
        vm: &Vm<H>,
        ring: &mut DirtyRing<H>,
        ram: &Memory,
    ) -> usize {
        let pages = vm.harvest_dirty_rings([ring]).unwrap();
        assert!(pages.iter().all(|page| Slot::from(*page) == LOGGED));
        let once: BTreeSet<_> = pages.iter().map(|page| page.page).collect();
        for page in once {
            let start = usize::try_from(page).unwrap() * PAGE;
            let bytes = self.bytes.get_mut(start..start + PAGE);
            assert!(ram.read(start, bytes.unwrap()));
        }
        self.told += pages.len();
        pages.len()
    }

    /// The pages that differ from the guest's.
    fn lost(&self, ram: &Memory) -> Vec<usize> {
        let mut now = vec![0; PAGES * PAGE];
        assert!(ram.read(0, &mut now));
        let pages = self.bytes.chunks(PAGE).zip(now.chunks(PAGE)).enumerate();
        let differ = pages.filter(|(_, (copy, now))| copy != now);
        differ.map(|(page, _)| page).collect()
    }
}

/// Runs the guest, which never stops by itself, while this thread harvests, from when the ring was full so many
/// times; then stops it and compares.
fn every_write_is_accounted_for<H: Hypervisor<Guest = X86_64>>(
    kvm: &Kvm<H>,
    ring: u32,
    full_before: usize,
    rounds: usize,
) -> (Copy, Vec<usize>, usize) {
    let (vm, ram) = vm(kvm, ring);
    let mut vcpu = vcpu(&vm);
    let mut ring = vcpu.take_dirty_ring().unwrap();
    let kicker = vcpu.kicker();
    let (stop, full) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut copy = Copy::new();
    thread::scope(|scope| {
        let guest = scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                match vcpu.run().unwrap().0 {
                    Exit::Interrupted => {}
                    // The other thread makes room.
                    Exit::DirtyRingFull => {
                        full.fetch_add(1, Ordering::Relaxed);
                        thread::yield_now();
                    }
                    // The scripts leave the guest so.
                    Exit::MmioWrite(_) => {}
                    other => panic!("{other}"),
                }
            }
        });
        let patience = Instant::now() + Duration::from_secs(120);
        while full.load(Ordering::Relaxed) < full_before && Instant::now() < patience {
            thread::yield_now();
        }
        let mut harvests = 0;
        while harvests < rounds && Instant::now() < patience && !guest.is_finished() {
            if copy.keep_up(&vm, &mut ring, &ram) > 0 {
                harvests += 1;
            }
            thread::sleep(Duration::from_micros(200));
        }
        stop.store(true, Ordering::Release);
        kicker.kick();
        guest.join().unwrap();
        assert_eq!(harvests, rounds, "harvests that found something");
    });
    copy.keep_up(&vm, &mut ring, &ram);
    let lost = copy.lost(&ram);
    assert_eq!(
        copy.keep_up(&vm, &mut ring, &ram),
        0,
        "nothing runs any more"
    );
    (copy, lost, full.into_inner())
}

fn a_guest_that_keeps_writing() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    if kvm.check_extension(KVM_CAP_DIRTY_LOG_RING).unwrap() == 0 {
        return Err(NotRun::because("this kernel has no dirty rings"));
    }
    let (copy, lost, full) = every_write_is_accounted_for(&kvm, LARGE, 0, 100);
    println!("{} pages told, {full} times full", copy.told);
    assert_eq!(lost, [0_usize; 0], "pages whose last write was not told");
    Ok(())
}

/// The same on the model: each step writes to some pages, more in all than the ring has room for.
fn a_script_that_keeps_writing() -> Result<(), NotRun> {
    let model = Model::new();
    let step = |round: usize| {
        let page = move |i: usize| START + ((round * 7 + i) % PAGES * PAGE) as u64;
        let count = u32::try_from(round).unwrap().to_le_bytes();
        (0..20).fold(Step::mmio_write(MMIO, [0]), |step, i| {
            step.writes_memory(page(i) + 8, count)
        })
    };
    model.script(0, (1..=4000).map(step));
    model.allow_unread(); // more than are needed
    let kvm = Kvm::with(model.clone()).unwrap();
    let (copy, lost, full) = every_write_is_accounted_for(&kvm, SMALL, 1, 10);
    assert_eq!(lost, [0_usize; 0]);
    assert!(copy.told >= 10 && full > 0);
    model.outcome().unwrap();
    Ok(())
}

/// A vCPU whose ring is full does not run on. Gives how many pages the ring told of then.
fn a_full_ring_stops_the_guest<H: Hypervisor<Guest = X86_64>>(
    vm: &Vm<H>,
    vcpu: &mut Vcpu<H>,
    ring: &mut DirtyRing<H>,
) -> usize {
    for _ in 0..2 {
        assert_eq!(vcpu.run().unwrap().0, Exit::DirtyRingFull);
    }
    let told = vm.harvest_dirty_rings([ring]).unwrap().len();
    assert!(told > 64 && told <= 256, "{told}");
    told
}

fn a_full_ring_stops_a_real_guest() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    if kvm.check_extension(KVM_CAP_DIRTY_LOG_RING).unwrap() == 0 {
        return Err(NotRun::because("this kernel has no dirty rings"));
    }
    let (vm, _ram) = vm(&kvm, SMALL);
    let mut vcpu = vcpu(&vm);
    let mut ring = vcpu.take_dirty_ring().unwrap();
    a_full_ring_stops_the_guest(&vm, &mut vcpu, &mut ring);
    Ok(())
}

fn a_full_ring_stops_a_script() -> Result<(), NotRun> {
    let model = Model::new();
    let page = |page: usize| {
        // The last step that a ring has room for.
        let step = match page % 192 {
            191 => Step::hlt(),
            _ => Step::mmio_write(MMIO, [0]),
        };
        step.writes_memory(START + (page % PAGES * PAGE) as u64, [1])
    };
    model.script(0, (0..3 * 192).map(page));
    let (vm, _ram) = vm(&Kvm::with(model.clone()).unwrap(), SMALL);
    let mut vcpu = vcpu(&vm);
    let mut ring = vcpu.take_dirty_ring().unwrap();
    assert_eq!(ring.capacity(), SMALL / 16);
    let told: [_; 3] = std::array::from_fn(|_| {
        while vcpu.run().unwrap().0 != Exit::Hlt {}
        a_full_ring_stops_the_guest(&vm, &mut vcpu, &mut ring)
    });
    assert_eq!(told, [192; 3], "all but the reserve");
    model.verify().unwrap();
    Ok(())
}

/// One consumer; rings only where they were asked for, before the first vCPU, and of one VM.
fn a_ring_has_one_consumer() -> Result<(), NotRun> {
    let kvm = Kvm::with(Model::new()).unwrap();
    let (one, _) = vm(&kvm, SMALL);
    let vcpu = vcpu(&one);
    let mut ring = vcpu.take_dirty_ring().unwrap();
    let again = vcpu.registers().clone().take_dirty_ring().unwrap_err();
    assert_eq!(
        (again.errno(), again.cause()),
        (Errno::EBUSY, Cause::RingTaken)
    );
    let late = one.enable_dirty_ring(SMALL).unwrap_err();
    assert_eq!(
        (late.errno(), late.cause()),
        (Errno::EINVAL, Cause::HasVcpus)
    );

    let other = kvm.create_vm().unwrap();
    let foreign = other.harvest_dirty_rings([&mut ring]).unwrap_err();
    assert_eq!(foreign.cause(), Cause::OtherVm);
    let odd = other.enable_dirty_ring(48).unwrap_err();
    assert_eq!((odd.cause(), odd.detail()), (Cause::RingSize, 48));
    let small = other.enable_dirty_ring(1024).unwrap_err();
    assert_eq!(
        (small.errno(), small.cause()),
        (Errno::EINVAL, Cause::Backend)
    );
    let large = other.enable_dirty_ring(1 << 21).unwrap_err();
    assert_eq!(large.errno(), Errno::E2BIG);
    let none = other.create_vcpu(0).unwrap().take_dirty_ring().unwrap_err();
    assert_eq!((none.errno(), none.cause()), (Errno::ENXIO, Cause::NoRing));
    Ok(())
}

pub(crate) fn main() {
    checks::main(&[
        ("a_guest_that_keeps_writing", a_guest_that_keeps_writing),
        ("a_script_that_keeps_writing", a_script_that_keeps_writing),
        (
            "a_full_ring_stops_a_real_guest",
            a_full_ring_stops_a_real_guest,
        ),
        ("a_full_ring_stops_a_script", a_full_ring_stops_a_script),
        ("a_ring_has_one_consumer", a_ring_has_one_consumer),
    ]);
}
