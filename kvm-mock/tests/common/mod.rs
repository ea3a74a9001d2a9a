//! A small VMM, what it runs on, and where it is recorded.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use kvm_core::kvm_exit::X86_64;
use kvm_core::{AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot};
use kvm_mock::{Model, PendingIo, RecorderOptions, Step};
use kvm_sys::kvm_regs;

/// A file in memory.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the VMM does otherwise than usual.
#[derive(Clone, Copy, Default)]
pub(crate) struct Vmm {
    /// Added to the byte that answers port I/O.
    pub(crate) reply: u8,
    /// Added to the register that is set first.
    pub(crate) register: u64,
    /// Written to the guest's memory before the first run.
    pub(crate) image: u8,
    /// Asks for the registers after each exit.
    pub(crate) asks: bool,
    /// Looks at what the guest left in its memory, which is recorded only when asked for.
    pub(crate) looks: bool,
}

pub(crate) const RAM: u64 = 0x4000;

/// A guest that writes, reads both ways, leaves something in memory, and halts.
pub(crate) fn model() -> Model {
    let model = Model::new();
    model.pending_io(PendingIo::Readable); // for a VMM that asks
    model.script(
        0,
        [
            Step::io_out(0x3f8, *b"H"),
            Step::io_in(0x60, [0x1c]),
            Step::mmio_write(0x10_0000, [1, 2, 3, 4]),
            Step::mmio_read(0x10_0008, [0xaa, 0xbb]).writes_memory(0x1ffe, [9, 8, 7, 6]),
            Step::errno(kvm_core::Errno::EINTR),
            Step::hlt(),
        ],
    );
    model
}

impl Vmm {
    /// Runs the guest of [`model`], and tells what happened as it does.
    pub(crate) fn run<H: Hypervisor<Guest = X86_64>>(
        self,
        system: H,
        told: &mut Vec<String>,
    ) -> Result<(), Error> {
        let kvm = Kvm::with(system)?;
        let vm = kvm.create_vm()?;
        let mut ram = AnonymousMemory::new(RAM as usize)?;
        ram.as_mut_slice()[0x100] = 0xf4 + self.image;
        vm.add_memory(Slot(0), GuestAddress(0), ram)?;
        let mut vcpu = vm.create_vcpu(0)?;
        vcpu.set_regs(&kvm_regs {
            rip: 0x100 + self.register,
            rflags: 2,
            ..Default::default()
        })?;
        loop {
            let (exit, regs) = vcpu.run()?;
            told.push(exit.to_string());
            match exit {
                Exit::IoIn(io) => io.data.fill(0x1c + self.reply),
                Exit::MmioRead(mmio) => mmio.data.copy_from_slice(&[0xaa, 0xbb]),
                Exit::Hlt => break,
                _ => {}
            }
            if self.asks {
                told.push(format!("{:?}", regs.get_regs()?));
            }
        }
        if self.looks {
            let mut left = [0; 6];
            vm.read_memory(GuestAddress(0x1ffd), &mut left)?;
            told.push(format!("{left:x?}"));
        }
        Ok(())
    }
}

/// What the VMM tells on the model, and the recording of it.
pub(crate) fn record(vmm: Vmm, options: RecorderOptions) -> (Vec<String>, Vec<u8>) {
    let file = Shared::default();
    let recorder = options.to_writer(model(), file.clone()).unwrap();
    let handle = recorder.handle();
    let mut told = Vec::new();
    vmm.run(recorder, &mut told).unwrap();
    let summary = handle.finish().unwrap();
    let bytes = file.bytes();
    assert_eq!(summary.bytes, bytes.len() as u64);
    (told, bytes)
}
