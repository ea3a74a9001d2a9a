//! Which handles may go to other threads, and that they are of use there.
#![cfg(target_arch = "x86_64")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kvm_core::kvm_sys::kvm_regs;
use kvm_core::{DevKvm, Exit, Kicker, Kvm, Mapping, Registers, SavedState, Vcpu, Vm};
use kvm_mock::{Model, Recorder, Replay, Step};

#[allow(
    dead_code,
    reason = "used in constants only, which Rust 1.85 takes for no use"
)]
const fn send_and_sync<T: Send + Sync>() {}

// What can be cloned is for any thread; a vCPU goes to the thread that runs it next.
const _: () = {
    send_and_sync::<DevKvm>();
    send_and_sync::<Kvm>();
    send_and_sync::<Vm>();
    send_and_sync::<Vcpu>();
    send_and_sync::<Registers>();
    send_and_sync::<Kicker>();
    send_and_sync::<Mapping>();
    send_and_sync::<SavedState>();
    send_and_sync::<Vcpu<Model>>();
    send_and_sync::<Vcpu<Replay>>();
    send_and_sync::<Vcpu<Recorder<DevKvm>>>();
};

/// A debugger stops a vCPU that runs on another thread, and looks at its registers and changes them there.
#[test]
fn registers_on_a_debuggers_thread() {
    let model = Model::new();
    let at = |rip| kvm_regs {
        rip,
        rflags: 2,
        ..Default::default()
    };
    let script = [Step::block().with_regs(at(0x1000)), Step::hlt()];
    model.script(0, script);
    let vm = Kvm::with(model.clone()).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let (registers, kicker) = (vcpu.registers().clone(), vcpu.kicker());
    let (stopped, is_stopped) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    let running = thread::spawn(move || {
        assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
        stopped.send(()).unwrap();
        goes.recv().unwrap();
        assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    });
    kicker.kick();
    is_stopped.recv_timeout(Duration::from_secs(20)).unwrap();
    let mut regs = registers.get_regs().unwrap();
    regs.rbx = 7;
    registers.set_regs(&regs).unwrap();
    go.send(()).unwrap();
    running.join().unwrap();
    // The vCPU is gone; its registers live on with their handle.
    assert_eq!(registers.get_regs().unwrap().rbx, 7);
    model.verify().unwrap();
}
