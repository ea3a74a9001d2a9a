//! The machine that is saved while its timer runs, and how long the timer takes then.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
pub(crate) mod arch;

use std::thread;
use std::time::{Duration, Instant};

use kvm_core::device::Device;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, SavedState, Slot, Vcpu, Vm};
use kvm_tests::checks::{self, NotRun};

const MEMORY: usize = 0x1_0000;
/// Where the code begins in it.
const CODE: u64 = 0x1000;

/// For how long the guests set their timers.
const PERIOD: Duration = Duration::from_secs(1);
/// After how much of that the guest is stopped.
const PAUSE: Duration = Duration::from_millis(300);
/// How long it is away then: longer than the timer has left.
const AWAY: Duration = Duration::from_secs(1);

/// What a guest tells.
#[derive(Debug, PartialEq)]
enum Told {
    /// It is about to set the timer.
    Armed,
    /// The timer has expired.
    Over,
    /// Nothing: it was kicked.
    Kicked,
}

struct Machine {
    vm: Vm,
    vcpu: Vcpu,
    /// The interrupt controller, where it is a device.
    controller: Option<Device>,
}

/// Without anything in its memory or registers.
fn empty(kvm: &Kvm) -> (Vm, Vcpu) {
    let vm = kvm.create_vm().unwrap();
    arch::prepare(&vm);
    let ram = AnonymousMemory::new(MEMORY).unwrap();
    vm.add_memory(Slot(0), GuestAddress(arch::RAM), ram)
        .unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    (vm, vcpu)
}

impl Machine {
    /// About to run the guest.
    fn new(kvm: &Kvm, timer: arch::Timer) -> Self {
        let (vm, vcpu) = empty(kvm);
        let code = GuestAddress(arch::RAM + CODE);
        vm.write_memory(code, arch::GUEST).unwrap();
        arch::start(kvm, &vm, &vcpu, code.0, timer);
        let controller = arch::controller(&vm);
        Self {
            vm,
            vcpu,
            controller,
        }
    }

    fn run(&mut self) -> Told {
        match self.vcpu.run().unwrap().0 {
            Exit::Interrupted => Told::Kicked,
            exit => arch::told(&exit).unwrap_or_else(|| panic!("{exit}")),
        }
    }

    /// Ends here, and goes on in another VM, later. Gives for how long the guest's clock may have gone on meanwhile.
    fn migrate(mut self, kvm: &Kvm) -> (Self, Duration) {
        let begun = Instant::now();
        let vcpu_state = self.vcpu.save().unwrap().into_bytes();
        let vm_state = self.vm.save().unwrap().into_bytes();
        let saving = begun.elapsed();
        let device_state = self
            .controller
            .as_ref()
            .map(|device| device.save().unwrap());
        let mut memory = vec![0; MEMORY];
        let start = GuestAddress(arch::RAM);
        self.vm.read_memory(start, &mut memory).unwrap();
        drop(self);
        thread::sleep(AWAY);

        let (vm, mut vcpu) = empty(kvm);
        let begun = Instant::now();
        vm.write_memory(start, &memory).unwrap();
        vcpu.restore(&SavedState::from_bytes(vcpu_state).unwrap())
            .unwrap();
        vm.restore(&SavedState::from_bytes(vm_state).unwrap())
            .unwrap();
        let controller = arch::controller(&vm);
        if let (Some(device), Some(state)) = (&controller, &device_state) {
            device.restore(state).unwrap();
        }
        let other = Self {
            vm,
            vcpu,
            controller,
        };
        (other, saving + begun.elapsed())
    }
}

/// Stops the guest while its timer runs. The time for which the guest ran, here and there, is to be what the timer was set
/// to, but for `late` and the time that saving and restoring took.
fn goes_on(timer: arch::Timer, late: Duration) -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    arch::has(&kvm, timer)?;
    let (ran, moving) = runs_for(&kvm, timer);
    let (soonest, latest) = (PERIOD - late - moving, PERIOD + late);
    assert!(soonest <= ran && ran <= latest, "{timer:?}: {ran:?}");
    Ok(())
}

/// For how long the guest ran in all, and how long saving and restoring took.
fn runs_for(kvm: &Kvm, timer: arch::Timer) -> (Duration, Duration) {
    let mut machine = Machine::new(kvm, timer);
    assert_eq!(machine.run(), Told::Armed);
    let kicker = machine.vcpu.kicker();
    let begun = Instant::now();
    let kick = thread::spawn(move || {
        thread::sleep(PAUSE);
        kicker.kick();
    });
    assert_eq!(machine.run(), Told::Kicked);
    let before = begun.elapsed();
    kick.join().unwrap();
    let (mut machine, moving) = machine.migrate(kvm);
    let begun = Instant::now();
    assert_eq!(machine.run(), Told::Over);
    let ran = before + begun.elapsed();
    println!(
        "{timer:?}: ran for {ran:.1?} of {PERIOD:?}, {before:.1?} before it was saved; moved in {moving:.1?}"
    );
    (ran, moving)
}
