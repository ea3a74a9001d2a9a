//! Recordings of other guests, and with guest memory in pages.

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::{Aarch64, GuestArch, Riscv64};
use kvm_core::kvm_sys::KVM_MEM_LOG_DIRTY_PAGES;
use kvm_core::kvm_sys::aarch64::{KVM_ARM_TARGET_GENERIC_V8, kvm_vcpu_init};
use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
use kvm_mock::{Model, ModelGuest, RecorderOptions, Step};

use crate::common::Shared;
use crate::{file, kvmrec};

/// A recording of one vCPU that does these steps; `set_up` comes before.
fn recorded<G: ModelGuest>(
    options: RecorderOptions,
    steps: Vec<Step<G>>,
    set_up: impl FnOnce(&kvm_core::Registers<kvm_mock::Recorder<Model<G>>>),
) -> Vec<u8> {
    let model = Model::<G>::default();
    let count = steps.len();
    model.script(0, steps);
    let out = Shared::default();
    let recorder = options.to_writer(model, out.clone()).unwrap();
    let vm = Kvm::with(recorder).unwrap().create_vm().unwrap();
    let memory = AnonymousMemory::new(0x10000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), memory).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    set_up(vcpu.registers());
    for _ in 0..count {
        vcpu.run().unwrap();
    }
    drop((vcpu, vm));
    out.bytes()
}

fn exits_of(name: &str, bytes: &[u8]) -> Vec<String> {
    let path = file(name, bytes);
    let out = kvmrec(&["show", "--exits", &path]).good();
    out.lines().map(|line| line[19..].to_owned()).collect()
}

#[test]
fn a_guest_of_aarch64() {
    let steps = vec![Step::<Aarch64>::mmio_write(0x900_0000, *b"A")];
    let bytes = recorded(RecorderOptions::new(), steps, |registers| {
        let init = kvm_vcpu_init {
            target: KVM_ARM_TARGET_GENERIC_V8,
            ..Default::default()
        };
        registers.vcpu_init(&init).unwrap();
        registers.set_reg(register::PC, &0x4000u64).unwrap();
    });
    let exits = exits_of("guests-aarch64.kvmrec", &bytes);
    assert_eq!(exits, [r#"#0    mmio write 0x9000000 <- 41  "A""#]);

    let path = file("guests-aarch64-calls.kvmrec", &bytes);
    let out = kvmrec(&["show", "--kind", "set_one_reg", &path]).good();
    // The number of the program counter, and what the pointer behind it points to.
    assert!(
        out.contains("kvm_one_reg { id: 0x6030000000100040 }"),
        "{out}"
    );
    assert!(out.contains("00 40 00 00 00 00 00 00"), "{out}");
    let out = kvmrec(&["stats", &path]).good();
    assert!(
        out.starts_with(&format!("{}, ", Aarch64::ARCH.name())),
        "{out}"
    );
}

#[test]
fn a_guest_of_riscv64() {
    let steps = vec![Step::<Riscv64>::mmio_write(0x1000_0000, [1])];
    let bytes = recorded(RecorderOptions::new(), steps, |_| ());
    let exits = exits_of("guests-riscv64.kvmrec", &bytes);
    assert_eq!(exits, ["#0    mmio write 0x10000000 <- 01"]);
}

#[test]
fn memory_in_pages() {
    let steps = vec![
        Step::io_out(1, [1])
            .writes_memory(0x1008, [7])
            .writes_memory(0x3000, [7]),
        Step::io_out(1, [2]),
    ];
    let options = RecorderOptions::new().dirty_log(true);
    let bytes = recorded::<kvm_core::kvm_exit::X86_64>(options, steps, |_| ());
    let exits = exits_of("guests-pages.kvmrec", &bytes);
    assert_eq!(
        exits,
        [
            "        wrote 8 192 bytes to slot 0 between 0x1000 and 0x4000",
            "#0    io out 0x1 <- 01",
            "#1    io out 0x1 <- 02",
        ]
    );
    let path = file("guests-pages-stats.kvmrec", &bytes);
    let out = kvmrec(&["stats", &path]).good();
    assert!(
        out.contains("8 192 bytes of guest memory changed, in 2 pieces"),
        "{out}"
    );
}

#[test]
fn pages_in_a_dirty_ring() {
    let model = Model::new();
    let step = |step: Step, pages: std::ops::Range<u64>| {
        pages.fold(step, |step, page| step.writes_memory(page * 0x1000, [1]))
    };
    model.script(
        0,
        [step(Step::io_out(1, [1]), 4..5), step(Step::hlt(), 0..17)],
    );
    let out = Shared::default();
    let recorder = RecorderOptions::new()
        .to_writer(model, out.clone())
        .unwrap();
    let vm = Kvm::with(recorder).unwrap().create_vm().unwrap();
    vm.enable_dirty_ring(0x1000).unwrap();
    let memory = AnonymousMemory::new(0x2_0000).unwrap();
    vm.add_memory_with(Slot(2), GuestAddress(0), memory, KVM_MEM_LOG_DIRTY_PAGES)
        .unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    drop(vcpu.take_dirty_ring().unwrap());
    vcpu.run().unwrap();
    vcpu.run().unwrap();
    drop((vcpu, vm));
    let exits = exits_of("guests-ring.kvmrec", &out.bytes());
    assert_eq!(exits[0], "        1 page put into the dirty ring: 2:0x4");
    assert_eq!(exits[1], "#0    io out 0x1 <- 01");
    let some = "        16 pages put into the dirty ring: 2:0x0 2:0x1 2:0x2 ";
    assert!(exits[2].starts_with(some), "{exits:?}");
    let path = file("guests-ring-stats.kvmrec", &out.bytes());
    let stats = kvmrec(&["stats", &path]).good();
    assert!(
        stats.contains("\n17 pages put into dirty rings\n"),
        "{stats}"
    );
    let shown = kvmrec(&["show", "--kind", "mmap", &path]).good();
    assert!(
        shown.contains("mmap of a dirty ring of 4096 bytes"),
        "{shown}"
    );
}

#[test]
fn registers_at_each_exit() {
    let options = RecorderOptions::new().registers(true);
    let steps = vec![Step::io_out(1, [1])];
    let bytes = recorded::<kvm_core::kvm_exit::X86_64>(options, steps, |_| ());
    let exits = exits_of("guests-registers.kvmrec", &bytes);
    assert!(exits[0].starts_with("        kvm_regs {"), "{exits:?}");
    assert!(exits[1].starts_with("        kvm_sregs {"), "{exits:?}");
    assert_eq!(exits[2], "#0    io out 0x1 <- 01");
}
