//! Scripts: what they make a guest do, and how they notice that a VMM answers otherwise.

use std::thread;
use std::time::Duration;

use kvm_core::kvm_exit::{Hypercall, IoIn, MemoryFault, MmioRead};
use kvm_core::kvm_sys::{HypercallExitFlags, kvm_regs};
use kvm_core::{AnonymousMemory, Errno, Error, Exit, GuestAddress, Kvm, Slot, Vcpu, Vm};
use kvm_mock::{Mismatch, Model, PendingIo, Step};

fn vm(model: &Model) -> Result<Vm<Model>, Error> {
    Kvm::with(model.clone())?.create_vm()
}

fn vcpu(model: &Model) -> Result<Vcpu<Model>, Error> {
    vm(model)?.create_vcpu(0)
}

/// Runs up to a read and answers it.
fn answer(vcpu: &mut Vcpu<Model>, reply: &[u8]) -> Result<(), Error> {
    match vcpu.run()?.0 {
        Exit::IoIn(IoIn { data, .. }) | Exit::MmioRead(MmioRead { data, .. }) => {
            data.copy_from_slice(reply);
        }
        other => assert_eq!(other, Exit::Hlt, "a read was expected"),
    }
    Ok(())
}

#[test]
fn a_run_that_follows_its_script_verifies() {
    let model = Model::new();
    model.script(
        0,
        [
            Step::io_in(0x60, [1]),
            Step::mmio_read(0xd000_0000, [1, 2, 3, 4, 5, 6, 7, 8]),
            Step::hlt(),
        ],
    );
    let mut vcpu = vcpu(&model).unwrap();
    answer(&mut vcpu, &[1]).unwrap();
    answer(&mut vcpu, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    model.verify().unwrap();
}

#[test]
fn a_wrong_reply_names_the_step_and_its_place() {
    let model = Model::new();
    let line = line!() + 1;
    let wrong = Step::mmio_read(0xd000_0000, [1, 2]);
    model.script(0, [Step::io_in(0x60, [7]), wrong, Step::hlt()]);
    let mut vcpu = vcpu(&model).unwrap();
    answer(&mut vcpu, &[7]).unwrap();
    answer(&mut vcpu, &[1, 3]).unwrap();
    assert_eq!(model.outcome(), Ok(()), "not taken yet");
    let error = vcpu.run().unwrap_err();
    assert_eq!(error.errno(), Errno::DIVERGED);

    let failure = model.outcome().unwrap_err();
    assert_eq!((failure.vcpu(), failure.step()), (0, 1));
    assert_eq!(
        (failure.place().file(), failure.place().line()),
        (file!(), line)
    );
    let (expected, given) = (vec![1, 2], vec![1, 3]);
    assert_eq!(*failure.mismatch(), Mismatch::Reply { expected, given });
    let text = failure.to_string();
    assert!(text.contains("(mmio read 0xd0000000 len 2)"), "{text}");
    assert!(
        text.ends_with("expected the reply 01 02, got 01 03"),
        "{text}"
    );
}

#[test]
fn a_missing_reply_is_noticed_whatever_was_expected() {
    for expected in [[0], [0xff], [0x5a]] {
        let model = Model::new();
        model.script(0, [Step::io_in(0x60, expected), Step::hlt()]);
        let mut vcpu = vcpu(&model).unwrap();
        vcpu.run().unwrap();
        assert!(vcpu.run().is_err());
        let expected = expected.to_vec();
        let failure = model.verify().unwrap_err();
        assert_eq!(*failure.mismatch(), Mismatch::NoReply { expected });
    }
}

#[test]
fn after_a_failure_no_vcpu_is_entered_any_more() {
    let model = Model::new();
    model.script(0, [Step::io_in(0x60, [1]), Step::hlt()]);
    model.script(1, [Step::hlt(), Step::hlt()]);
    let vm = vm(&model).unwrap();
    let (mut first, mut second) = (vm.create_vcpu(0).unwrap(), vm.create_vcpu(1).unwrap());
    assert_eq!(second.run().unwrap().0, Exit::Hlt);
    first.run().unwrap();
    let errors = [
        first.run().is_err(),
        second.run().is_err(),
        first.run().is_err(),
    ];
    assert_eq!(errors, [true; 3]);
    assert_eq!(
        model.verify().unwrap_err().vcpu(),
        0,
        "the first failure stays"
    );
}

#[test]
fn completing_takes_the_reply_and_no_step() {
    let model = Model::new();
    let then = kvm_regs {
        rax: 9,
        ..Default::default()
    };
    model.pending_io(PendingIo::Readable);
    model.script(0, [Step::io_in(0x60, [9]).regs_then(then), Step::hlt()]);
    let mut vcpu = vcpu(&model).unwrap();
    answer(&mut vcpu, &[9]).unwrap();
    assert_ne!(vcpu.get_regs().unwrap(), then);
    assert_eq!(vcpu.complete().unwrap(), None);
    assert_eq!(vcpu.get_regs().unwrap(), then);
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);

    let model = Model::new();
    model.script(0, [Step::io_in(0x60, [9])]);
    let mut vcpu = self::vcpu(&model).unwrap();
    answer(&mut vcpu, &[8]).unwrap();
    assert_eq!(vcpu.complete().unwrap_err().errno(), Errno::DIVERGED);
    assert_eq!(model.outcome().unwrap_err().step(), 0);
}

#[test]
fn an_access_that_goes_on_is_completed_by_its_next_exit() {
    let model = Model::new();
    model.script(
        0,
        [
            Step::mmio_read(0xffe, [1, 2]).goes_on(),
            Step::mmio_read(0x1000, [3, 4]),
            Step::hlt(),
        ],
    );
    let mut vcpu = vcpu(&model).unwrap();
    answer(&mut vcpu, &[1, 2]).unwrap();
    match vcpu.complete().unwrap() {
        Some(Exit::MmioRead(second)) => second.data.copy_from_slice(&[3, 4]),
        other => panic!("{other:?}"),
    }
    assert_eq!(vcpu.complete().unwrap(), None);
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    model.verify().unwrap();
}

#[test]
fn what_is_left_is_reported() {
    let model = Model::new();
    model.script(0, [Step::hlt(), Step::io_out(0x80, [1]), Step::hlt()]);
    let mut vcpu = vcpu(&model).unwrap();
    vcpu.run().unwrap();
    assert_eq!(model.outcome(), Ok(()));
    let failure = model.verify().unwrap_err();
    assert_eq!(failure.step(), 1);
    assert_eq!(*failure.mismatch(), Mismatch::Unread { behind: 1 });

    let model = Model::new();
    model.script(3, [Step::hlt()]);
    let failure = model.verify().unwrap_err();
    assert_eq!((failure.vcpu(), failure.step()), (3, 0), "no such vCPU");

    let model = Model::new();
    model.script(0, [Step::io_in(0x60, [1])]);
    let mut vcpu = self::vcpu(&model).unwrap();
    answer(&mut vcpu, &[1]).unwrap();
    let failure = model.verify().unwrap_err();
    assert_eq!(*failure.mismatch(), Mismatch::Unanswered);
    assert_eq!(vcpu.complete().unwrap(), None);
    model.verify().unwrap();
}

#[test]
fn guests_write_memory_and_look_at_it() {
    let model = Model::new();
    model.script(
        0,
        [
            Step::hlt().writes_memory(0xffe, *b"over"),
            Step::hlt()
                .finds_memory(0x1000, *b"er")
                .writes_memory(0x1000, *b"ER"),
            Step::hlt().finds_memory(0, [0]),
        ],
    );
    let vm = vm(&model).unwrap();
    for slot in 0..2 {
        let page = AnonymousMemory::new(0x1000).unwrap();
        let address = GuestAddress(u64::from(slot) * 0x1000);
        vm.add_memory(Slot(slot), address, page).unwrap();
    }
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let mut bytes = [0; 4];
    vcpu.run().unwrap();
    vm.read_memory(GuestAddress(0xffe), &mut bytes).unwrap();
    assert_eq!(&bytes, b"over");
    vcpu.run().unwrap();
    vm.read_memory(GuestAddress(0xffe), &mut bytes).unwrap();
    assert_eq!(&bytes, b"ovER");
    vm.write_memory(GuestAddress(0), &[7]).unwrap();
    vcpu.run().unwrap_err();
    let failure = model.outcome().unwrap_err();
    let (address, expected, found) = (0, vec![0], vec![7]);
    let memory = Mismatch::Memory {
        address,
        expected,
        found,
    };
    assert_eq!(*failure.mismatch(), memory);
}

#[test]
fn of_much_memory_the_first_difference_is_told() -> Result<(), Error> {
    let model = Model::new();
    let mut sector = [7; 512];
    model.script(0, [Step::hlt().finds_memory(0x800, sector)]);
    let vm = vm(&model)?;
    vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x1000)?)?;
    sector[500] = 8;
    vm.write_memory(GuestAddress(0x800), &sector)?;
    assert!(vm.create_vcpu(0)?.run().is_err());
    let failure = model.verify().unwrap_err().to_string();
    let difference =
        "expected 07 07 07 07 07 07 07 07 07 07 07 07 in memory at 0x9f4, found 08 07 07";
    assert!(failure.contains(difference), "{failure}");
    Ok(())
}

#[test]
fn memory_that_the_guest_has_not_is_a_failure() {
    let model = Model::new();
    model.script(0, [Step::hlt().writes_memory(0x1fff, [1, 2])]);
    let vm = vm(&model).unwrap();
    let page = AnonymousMemory::new(0x2000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), page).unwrap();
    vm.create_vcpu(0).unwrap().run().unwrap_err();
    let (address, len) = (0x1fff, 2);
    let failure = model.outcome().unwrap_err();
    assert_eq!(*failure.mismatch(), Mismatch::NoMemory { address, len });
}

#[test]
fn any_exit_can_be_made_and_its_answer_checked() {
    let model = Model::new();
    let step = || {
        let hypercall = Step::exit(|page| {
            page.encode(&Exit::Hypercall(Hypercall {
                nr: 12,
                args: &[1, 2, 3, 4, 5, 6],
                ret: &mut 0,
                flags: HypercallExitFlags::empty(),
            }))
        });
        hypercall.answered(|exit| matches!(exit, Exit::Hypercall(call) if *call.ret == 5))
    };
    model.script(0, [step(), step()]);
    let mut vcpu = vcpu(&model).unwrap();
    match vcpu.run().unwrap().0 {
        Exit::Hypercall(hypercall) => {
            assert_eq!(hypercall.nr, 12);
            *hypercall.ret = 5;
        }
        other => panic!("{other}"),
    }
    assert!(matches!(vcpu.run().unwrap().0, Exit::Hypercall(_)));
    vcpu.complete().unwrap_err();
    let failure = model.outcome().unwrap_err();
    assert_eq!(
        (failure.step(), failure.mismatch()),
        (1, &Mismatch::Refused)
    );
}

#[test]
fn an_exit_that_no_page_can_say_is_a_failure() {
    let model = Model::new();
    model.script(0, [Step::mmio_write(0, [0; 9])]);
    vcpu(&model).unwrap().run().unwrap_err();
    let failure = model.outcome().unwrap_err();
    assert!(
        matches!(failure.mismatch(), Mismatch::Unencodable(_)),
        "{failure}"
    );
}

#[test]
fn port_io_is_as_wide_as_it_says() {
    let model = Model::new();
    model.script(
        0,
        [
            Step::io_out(1, [0; 4]),
            Step::io_out(1, [0; 4]).width(1),
            Step::io_out(1, [0; 6]),
            Step::io_out(1, [0; 6]).width(2),
        ],
    );
    let mut vcpu = vcpu(&model).unwrap();
    for (size, count) in [(4, 1), (1, 4), (1, 6), (2, 3)] {
        match vcpu.run().unwrap().0 {
            Exit::IoOut(io) => assert_eq!((io.size, io.count()), (size, count)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn entries_fail_as_the_script_says() {
    let fault = MemoryFault {
        flags: Default::default(),
        gpa: 0x1000,
        size: 0x2000,
    };
    let model = Model::new();
    let memory_fault = move || Step::exit(move |page| page.encode(&Exit::MemoryFault(fault)));
    model.script(
        0,
        [
            Step::errno(Errno::EINTR),
            Step::errno(Errno::EAGAIN),
            memory_fault().fails(Errno::EFAULT),
            Step::errno(Errno::EFAULT),
            Step::errno(Errno::ENOMEM),
            Step::hlt(),
        ],
    );
    let mut vcpu = vcpu(&model).unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    assert_eq!(vcpu.run().unwrap().0, Exit::Again);
    assert_eq!(vcpu.run().unwrap().0, Exit::MemoryFault(fault));
    assert_eq!(
        vcpu.run().unwrap_err().errno(),
        Errno::EFAULT,
        "no stale exit"
    );
    assert_eq!(vcpu.run().unwrap_err().errno(), Errno::ENOMEM);
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    model.verify().unwrap();
}

#[test]
fn a_wait_ends_with_a_kick_that_comes_before_or_during_it() {
    let model = Model::new();
    model.script(0, [Step::block(), Step::block(), Step::hlt()]);
    let mut vcpu = vcpu(&model).unwrap();
    let kicker = vcpu.kicker();
    kicker.kick();
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    assert_eq!(vcpu.complete().unwrap(), None, "does not end a wait");
    let kick = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        kicker.kick();
    });
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    kick.join().unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    model.verify().unwrap();
}

#[test]
fn the_end_of_a_script_is_an_idle_guest_and_more_can_be_added() {
    let model = Model::new();
    model.script(0, [Step::hlt()]);
    let mut vcpu = vcpu(&model).unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    let kicker = vcpu.kicker();
    let kick = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        kicker.kick();
    });
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    kick.join().unwrap();
    model.script(0, [Step::shutdown()]);
    assert_eq!(vcpu.run().unwrap().0, Exit::Shutdown);
    model.verify().unwrap();
}

#[test]
fn a_script_is_for_the_first_vcpu_with_its_id() {
    let model = Model::new();
    model.script(0, [Step::hlt()]);
    let mut first = vcpu(&model).unwrap();
    let mut other = vcpu(&model).unwrap();
    other.kicker().kick();
    assert_eq!(other.run().unwrap().0, Exit::Interrupted);
    assert_eq!(first.run().unwrap().0, Exit::Hlt);
    model.verify().unwrap();
}

#[test]
fn registers_are_what_the_step_shows() {
    let regs = |rip| kvm_regs {
        rip,
        rflags: 0x202,
        ..Default::default()
    };
    let model = Model::new();
    model.script(
        0,
        [0x1001, 0x1003].map(|rip| Step::stepped(rip).with_regs(regs(rip))),
    );
    let mut vcpu = vcpu(&model).unwrap();
    for rip in [0x1001, 0x1003] {
        let (exit, registers) = vcpu.run().unwrap();
        assert!(matches!(exit, Exit::Debug(event) if event.pc == rip));
        assert_eq!(registers.get_regs().unwrap(), regs(rip));
        assert!(vcpu.run_page().if_flag(), "what is beside the exit fits");
    }
}
