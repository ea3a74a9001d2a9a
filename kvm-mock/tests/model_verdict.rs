//! How a test learns that a run left its script, asked or not, and what state is between an exit and its reply.
#![allow(clippy::unwrap_used, reason = "also in what the tests share")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::{
    KVM_GET_REGS, KVM_GET_SREGS, KVM_SET_ONE_REG, KVM_SET_REGS, kvm_msr_entry, kvm_regs, kvm_sregs,
};
use kvm_core::{AnonymousMemory, Errno, Error, Exit, GuestAddress, Kvm, Slot, Vcpu, Vm};
use kvm_mock::{Barrier, Mismatch, Model, PendingIo, Step};

fn vm(model: &Model) -> Result<Vm<Model>, Error> {
    Kvm::with(model.clone())?.create_vm()
}

fn vcpu(model: &Model) -> Vcpu<Model> {
    vm(model).unwrap().create_vcpu(0).unwrap()
}

/// What a test that does this panics with.
fn panics(test: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(test)).err()?;
    Some(*panic.downcast::<String>().unwrap())
}

#[test]
fn a_vcpu_that_goes_with_steps_unread_fails_the_test() {
    let text = panics(|| {
        let model = Model::new();
        model.script(0, [Step::hlt(), Step::shutdown()]);
        vcpu(&model).run().unwrap();
    });
    let text = text.unwrap();
    assert!(text.starts_with("vCPU 0, step 1 (shutdown), "), "{text}");
    assert!(
        text.ends_with("the vCPU was never entered for it"),
        "{text}"
    );
    assert!(text.contains(file!()), "{text}");
}

#[test]
fn an_exit_without_an_answer_fails_the_test() {
    let text = panics(|| {
        let model = Model::new();
        model.script(0, [Step::io_in(0x60, [1])]);
        vcpu(&model).run().unwrap();
    });
    assert!(text.unwrap().ends_with("so the reply was never taken"));
}

#[test]
fn a_vcpu_that_was_never_made_fails_the_test() {
    let text = panics(|| Model::new().script(3, [Step::hlt()]));
    assert!(text.unwrap().starts_with("vCPU 3, step 0 (hlt), "));
}

#[test]
fn an_error_that_the_vmm_keeps_to_itself_fails_the_test() {
    let text = panics(|| {
        let model = Model::new();
        model.script(0, [Step::io_in(0x60, [1]), Step::hlt()]);
        let mut vcpu = vcpu(&model);
        vcpu.run().unwrap();
        let _ = vcpu.run();
    });
    assert!(text.unwrap().ends_with("expected the reply 01, got none"));
}

#[test]
fn a_test_that_knows_or_does_not_care_or_fails_already_is_left_alone() {
    let run = |before: fn(&Model), after: fn(&Model)| {
        panics(move || {
            let model = Model::new();
            model.script(0, [Step::hlt(), Step::hlt()]);
            before(&model);
            vcpu(&model).run().unwrap();
            after(&model);
        })
    };
    let knows: fn(&Model) = |model| assert_eq!(model.outcome().unwrap_err().step(), 1);
    assert_eq!(run(|_| {}, knows), None);
    let left: fn(&Model) = |model| {
        assert_eq!(model.outcome(), Ok(()));
        let failure = model.verify().unwrap_err();
        assert_eq!(*failure.mismatch(), Mismatch::Unread { behind: 0 });
    };
    assert_eq!(run(Model::allow_unread, left), None);
    assert_eq!(run(Model::allow_unread, |_| {}), None);
    let fails: fn(&Model) = |_| panic!("{}", "for another reason");
    assert_eq!(run(|_| {}, fails).unwrap(), "for another reason");
}

#[test]
fn a_test_that_fails_by_the_error_of_a_call_prints_why() {
    const INSIDE: &str = "KVM_MOCK_TEST_INSIDE";
    let fails = || {
        let model = Model::new();
        model.script(0, [Step::io_in(0x60, [1]), Step::hlt()]);
        let mut vcpu = vcpu(&model);
        vcpu.run().unwrap();
        vcpu.run().unwrap();
    };
    if std::env::var_os(INSIDE).is_some() {
        return fails();
    }
    let name = "a_test_that_fails_by_the_error_of_a_call_prints_why";
    let mut test = Command::new(std::env::current_exe().unwrap());
    let ran = test.args(["--exact", name]).env(INSIDE, "1").output();
    let ran = ran.unwrap();
    assert!(!ran.status.success());
    let printed = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    let why = "step 0 (io in 0x60 len 1), kvm-mock/tests/model_verdict.rs:";
    assert!(printed.contains(why), "{printed}");
    assert!(
        printed.contains("expected the reply 01, got none"),
        "{printed}"
    );
}

#[test]
fn a_failure_ends_the_waits_of_others() {
    let model = Model::new();
    let never = Barrier::new(3);
    model.script(0, [Step::block()]);
    model.script(1, [Step::meets(&never)]);
    model.script(3, [Step::mmio_read(0xd000_0000, [1]), Step::hlt()]);
    let vm = vm(&model).unwrap();
    let vcpus = [0, 1, 2].map(|id| vm.create_vcpu(id).unwrap());
    let mut wrong = vm.create_vcpu(3).unwrap();
    wrong.run().unwrap();
    thread::scope(|scope| {
        let (ready, is_ready) = mpsc::channel();
        let waits = vcpus.map(|mut vcpu| {
            let ready = ready.clone();
            scope.spawn(move || {
                ready.send(()).unwrap();
                vcpu.run().map(|_| ()).map_err(|error| error.errno())
            })
        });
        (0..3).for_each(|_| is_ready.recv().unwrap());
        wrong.run().unwrap_err();
        for wait in waits {
            assert_eq!(wait.join().unwrap(), Err(Errno::DIVERGED));
        }
    });
    assert_eq!(model.outcome().unwrap_err().vcpu(), 3);
}

#[test]
fn vcpus_meet_in_every_round_and_kicks_do_not_end_it() {
    const ROUNDS: u64 = 20;

    let model = Model::new();
    let place = Barrier::new(2);
    for id in [0, 1] {
        // Each finds what the other has written before.
        let address = |id: u64, round| 0x1000 * (id + 1) + 8 * round;
        let steps = (0..ROUNDS).flat_map(|round| {
            let written = Step::mmio_write(0xd000_0000, [1])
                .writes_memory(address(id, round), round.to_le_bytes());
            let found =
                Step::meets(&place).finds_memory(address(1 - id, round), round.to_le_bytes());
            [written, found]
        });
        model.script(id, steps.chain([Step::hlt()]));
    }
    let vm = vm(&model).unwrap();
    let ram = AnonymousMemory::new(0x1_0000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    let vcpus = [0, 1].map(|id| vm.create_vcpu(id).unwrap());
    thread::scope(|scope| {
        for mut vcpu in vcpus {
            let kicker = vcpu.kicker();
            scope.spawn(move || {
                let mut kicks = 0;
                loop {
                    match vcpu.run().unwrap().0 {
                        Exit::Hlt => break,
                        Exit::Interrupted => kicks += 1,
                        _ => kicker.kick(),
                    }
                }
                assert_eq!(kicks, ROUNDS);
            });
        }
    });
    model.verify().unwrap();
}

#[test]
fn what_the_vmm_has_to_have_set_is_looked_at() {
    let model = Model::new();
    model.script(
        0,
        [
            Step::hlt()
                .finds_regs(|regs| regs.rip == 0x1000)
                .finds_state(&KVM_GET_SREGS, |sregs: &kvm_sregs| sregs.cr3 == 0x2000)
                .finds_msr(0xc000_0081, 7),
            Step::hlt().finds_msr(0xc000_0081, 8),
        ],
    );
    let mut vcpu = vcpu(&model);
    let regs = kvm_regs {
        rip: 0x1000,
        ..Default::default()
    };
    vcpu.set_regs(&regs).unwrap();
    let mut sregs = vcpu.get_sregs().unwrap();
    sregs.cr3 = 0x2000;
    vcpu.set_sregs(&sregs).unwrap();
    let star = kvm_msr_entry {
        index: 0xc000_0081,
        data: 7,
        ..Default::default()
    };
    vcpu.set_msrs(&[star]).unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    vcpu.run().unwrap_err();
    let failure = model.outcome().unwrap_err();
    let (index, expected, found) = (0xc000_0081, 8, Some(7));
    let mismatch = Mismatch::Msr {
        index,
        expected,
        found,
    };
    assert_eq!((failure.step(), failure.mismatch()), (1, &mismatch));
}

/// Runs to a read, answers it, and does something before the access is complete. Gives what the guest has then.
fn between(
    policy: PendingIo,
    what: fn(&Vcpu<Model>) -> Result<(), Error>,
) -> (Model, Result<u64, Errno>) {
    let model = Model::new();
    model.pending_io(policy);
    let then = kvm_regs {
        rax: 0x77,
        ..Default::default()
    };
    model.script(0, [Step::io_in(0x60, [0x77]).regs_then(then), Step::hlt()]);
    let mut vcpu = vcpu(&model);
    if let (Exit::IoIn(io), _) = vcpu.run().unwrap() {
        io.data.fill(0x77);
    }
    let mut then = || {
        what(&vcpu)?;
        let is_over = vcpu.run()?.0 == Exit::Hlt;
        assert!(is_over);
        vcpu.get_regs()
    };
    let ended = then().map(|regs| regs.rax);
    (model, ended.map_err(|error| error.errno()))
}

fn reads(vcpu: &Vcpu<Model>) -> Result<(), Error> {
    vcpu.get_regs().map(|regs| assert_eq!(regs.rax, 0))
}

fn sets(vcpu: &Vcpu<Model>) -> Result<(), Error> {
    let regs = kvm_regs {
        rax: 0x35,
        ..Default::default()
    };
    vcpu.set_regs(&regs)
}

#[test]
fn registers_are_stale_until_the_access_is_complete() {
    let (model, rax) = between(PendingIo::Strict, reads);
    assert_eq!(rax, Ok(0x77), "the run goes on");
    assert_eq!(model.outcome(), Ok(()));
    let failure = model.verify().unwrap_err();
    let op = &KVM_GET_REGS;
    assert_eq!(
        (failure.step(), failure.mismatch()),
        (0, &Mismatch::Stale { op })
    );

    for policy in [PendingIo::Readable, PendingIo::AsKernel] {
        let (model, rax) = between(policy, reads);
        assert_eq!(rax, Ok(0x77));
        model.verify().unwrap();
    }
    let (model, rax) = between(PendingIo::Strict, |vcpu| vcpu.get_mp_state().map(|_| ()));
    assert_eq!(rax, Ok(0x77), "no register");
    model.verify().unwrap();
}

#[test]
fn registers_that_are_set_too_early_lose_the_reply() {
    for policy in [PendingIo::Strict, PendingIo::Readable] {
        let (model, rax) = between(policy, sets);
        assert_eq!(rax, Err(Errno::DIVERGED));
        let op = &KVM_SET_REGS;
        let failure = model.outcome().unwrap_err();
        assert_eq!(*failure.mismatch(), Mismatch::SetTooEarly { op });
    }
    let (model, rax) = between(PendingIo::AsKernel, sets);
    assert_eq!(rax, Ok(0x35));
    model.verify().unwrap();
}

#[test]
fn one_register_is_as_many() {
    let model = Model::<Aarch64>::default();
    model.script(0, [Step::mmio_read(0x900_0018, [0; 4])]);
    let vm = Kvm::with(model.clone()).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    vcpu.vcpu_init(&vm.get_preferred_target().unwrap()).unwrap();
    vcpu.run().unwrap();
    let pc = kvm_core::aarch64::register::PC;
    let refused = vcpu.set_reg(pc, &0u64).unwrap_err();
    assert_eq!(refused.errno(), Errno::DIVERGED);
    let op = &KVM_SET_ONE_REG;
    let failure = model.outcome().unwrap_err();
    assert_eq!(*failure.mismatch(), Mismatch::SetTooEarly { op });
}
