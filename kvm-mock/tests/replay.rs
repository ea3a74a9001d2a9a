//! Strict replay: the same run, or a divergence that says where.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Shared, Vmm, model, record};
use kvm_core::kvm_exit::Aarch64;
use kvm_core::{Errno, Kvm};
use kvm_mock::{
    Divergence, Model, Outcome, PendingIo, Recorder, RecorderOptions, Replay, ReplayError,
    ReplayOptions, Step,
};

fn divergence(outcome: Outcome) -> Divergence {
    match outcome {
        Outcome::Diverged(divergence) => *divergence,
        other => panic!("no divergence: {other}"),
    }
}

/// Replays the usual recording under another VMM.
fn diverges(vmm: Vmm) -> Divergence {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let replay = Replay::from_bytes(bytes).unwrap();
    let error = vmm.run(replay.clone(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.errno(), Errno::DIVERGED);
    divergence(replay.outcome())
}

#[test]
fn a_replay_does_what_was_recorded_and_records_the_same() {
    for asks in [false, true] {
        let vmm = Vmm {
            asks,
            looks: true,
            ..Vmm::default()
        };
        let (recorded, bytes) = record(vmm, RecorderOptions::new().memory(true));
        let replay = Replay::from_bytes(&bytes[..]).unwrap();
        let file = Shared::default();
        let recorder = RecorderOptions::new()
            .memory(true)
            .to_writer(replay.clone(), file.clone())
            .unwrap();
        let mut told = Vec::new();
        // Dropping the last object ends the recording.
        vmm.run(recorder, &mut told).unwrap();
        assert_eq!(told, recorded);
        assert_eq!(replay.outcome(), Outcome::Complete);
        assert_eq!(file.bytes(), bytes);
    }
}

#[test]
fn another_reply_names_vcpu_exit_kind_and_bytes() {
    let divergence = diverges(Vmm {
        reply: 1,
        ..Vmm::default()
    });
    assert_eq!(divergence.object(), "vCPU 0");
    assert_eq!(divergence.exit(), Some(1));
    assert_eq!(divergence.exit_kind(), Some("KVM_EXIT_IO"));
    assert_eq!(divergence.recorded(), "1c");
    assert_eq!(divergence.given(), "1d");
    let (record, offset) = (divergence.record().unwrap(), divergence.offset().unwrap());
    assert_eq!(
        divergence.to_string(),
        format!(
            "the run left the recording: vCPU 0, after exit 1 (io in 0x60 len 1): the VMM's reply \
             differs at byte 0x1000 of the run page: recorded 1c, given 1d; record {record} at offset \
             {offset}; earlier exits: 0 (io out 0x3f8 <- 48)"
        )
    );
}

#[test]
fn another_call_names_both() {
    let divergence = diverges(Vmm {
        register: 1,
        ..Vmm::default()
    });
    assert_eq!(divergence.exit(), None);
    assert_eq!(
        divergence.recorded(),
        "KVM_SET_REGS with 00 01 00 00 00 00 00 00 02 00 00 00 00 00 00 00 at byte 128"
    );
    assert!(divergence.given().starts_with("KVM_SET_REGS with 01 01"));

    let divergence = diverges(Vmm {
        asks: true,
        ..Vmm::default()
    });
    assert_eq!(divergence.exit(), Some(0));
    assert_eq!(divergence.recorded(), "KVM_RUN");
    assert_eq!(divergence.given(), "KVM_GET_REGS into 144 bytes");
}

#[test]
fn after_a_divergence_every_object_refuses_and_the_first_one_stays() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let replay = Replay::from_bytes(bytes).unwrap();
    let kvm = Kvm::with(replay.clone()).unwrap();
    let vm = kvm.create_vm().unwrap();
    let error = vm.create_vcpu(7).unwrap_err();
    assert_eq!(error.errno(), Errno::DIVERGED);
    let first = divergence(replay.outcome());
    assert_eq!(first.given(), "KVM_CREATE_VCPU of 0x7");
    assert_eq!(kvm.create_vm().unwrap_err().errno(), Errno::DIVERGED);
    let cap = kvm_sys::KVM_CAP_USER_MEMORY;
    assert_eq!(
        kvm.check_extension(cap).unwrap_err().errno(),
        Errno::DIVERGED
    );
    assert_eq!(divergence(replay.outcome()), first);
}

#[test]
fn a_run_that_stops_early_leaves_records_and_one_that_goes_on_diverges() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let replay = Replay::from_bytes(&bytes[..]).unwrap();
    let vm = Kvm::with(replay.clone()).unwrap().create_vm().unwrap();
    let Outcome::Unread { records, first } = replay.outcome() else {
        panic!("{}", replay.outcome());
    };
    assert_eq!(records, 10);
    assert!(first.starts_with("KVM_SET_USER_MEMORY_REGION"), "{first}");
    assert!(first.contains("the VM of stream 1"), "{first}");
    drop(vm);

    let file = Shared::default();
    let recorder = Recorder::to_writer(Model::new(), file.clone()).unwrap();
    drop(Kvm::with(recorder).unwrap());
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    let kvm = Kvm::with(replay.clone()).unwrap();
    assert_eq!(replay.outcome(), Outcome::Complete);
    kvm.create_vm().unwrap_err();
    let divergence = divergence(replay.outcome());
    assert_eq!(divergence.recorded(), "nothing more");
    assert_eq!(divergence.given(), "KVM_CREATE_VM");
}

#[test]
fn padding_may_be_another() {
    fn sets(system: impl kvm_core::Hypervisor<Guest = kvm_core::kvm_exit::Native>, padding: u8) {
        let vm = Kvm::with(system).unwrap().create_vm().unwrap();
        let vcpu = vm.create_vcpu(0).unwrap();
        let mut sregs = vcpu.get_sregs().unwrap();
        sregs.cs.padding = padding;
        sregs.idt.padding = [padding.into(); 3];
        vcpu.set_sregs(&sregs).unwrap();
    }
    let files = [0, 7].map(|padding| {
        let file = Shared::default();
        let model = Model::new();
        sets(Recorder::to_writer(model, file.clone()).unwrap(), padding);
        file.bytes()
    });
    assert_eq!(files[0], files[1]);
    let replay = Replay::from_bytes(&files[0][..]).unwrap();
    sets(replay.clone(), 9);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn another_architecture_is_refused() {
    let file = Shared::default();
    let recorder = Recorder::to_writer(Model::<Aarch64>::default(), file.clone()).unwrap();
    drop(Kvm::with(recorder).unwrap());
    let Err(error) = Replay::from_bytes(file.bytes()) else {
        panic!("replayed");
    };
    assert!(matches!(error, ReplayError::Architecture { .. }));
    assert_eq!(
        error.to_string(),
        "the recorded guest is aarch64, and x86_64 is expected"
    );
    let replay: Replay<Aarch64> = ReplayOptions::new().guest_from_bytes(file.bytes()).unwrap();
    Kvm::with(replay.clone()).unwrap();
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn completion_is_no_run() {
    let run = |system: Recorder<Model>, complete: bool| {
        let mut vcpu = Kvm::with(system)
            .unwrap()
            .create_vm()
            .unwrap()
            .create_vcpu(0)
            .unwrap();
        vcpu.run().unwrap();
        if complete {
            assert_eq!(vcpu.complete().unwrap(), None);
        }
    };
    let model = || {
        let model = Model::new();
        model.script(0, [Step::io_out(1, [2]), Step::hlt()]);
        model.allow_unread();
        model
    };
    let file = Shared::default();
    run(Recorder::to_writer(model(), file.clone()).unwrap(), true);

    let replay = Replay::from_bytes(file.bytes()).unwrap();
    let mut vcpu = Kvm::with(replay.clone())
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    vcpu.run().unwrap();
    assert_eq!(vcpu.complete().unwrap(), None);
    assert_eq!(replay.outcome(), Outcome::Complete);

    let replay = Replay::from_bytes(file.bytes()).unwrap();
    let mut vcpu = Kvm::with(replay.clone())
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    vcpu.run().unwrap();
    vcpu.run().unwrap_err();
    let divergence = divergence(replay.outcome());
    assert_eq!(divergence.recorded(), "completion only");
    assert_eq!(divergence.given(), "a run");
}

#[test]
fn an_entry_that_never_returned_waits_for_a_kick() {
    let model = model();
    model.script(1, [Step::block()]);
    model.allow_unread();
    let file = Shared::default();
    let recorder = Recorder::to_writer(model, file.clone()).unwrap();
    let handle = recorder.handle();
    let vm = Kvm::with(recorder).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(1).unwrap();
    let kicker = vcpu.kicker();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            assert_eq!(vcpu.run().unwrap().0, kvm_core::Exit::Interrupted);
        });
        // Long enough for the thread to be inside; if it is not, the recording ends before.
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(handle.finish().unwrap().exits, 1);
        kicker.kick();
    });

    let replay = Replay::from_bytes(file.bytes()).unwrap();
    let vm = Kvm::with(replay.clone()).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(1).unwrap();
    let kicker = vcpu.kicker();
    for _ in 0..2 {
        std::thread::scope(|scope| {
            scope.spawn(|| kicker.kick());
            assert_eq!(vcpu.run().unwrap().0, kvm_core::Exit::Interrupted);
        });
    }
    assert_eq!(replay.outcome(), Outcome::Complete);
    // What came after the recording was ended is not known.
    vcpu.get_regs().unwrap_err();
    assert_eq!(divergence(replay.outcome()).recorded(), "nothing more");
}

#[test]
fn vcpus_on_threads_replay_each_in_its_own_order() {
    const VCPUS: u64 = 4;
    const EXITS: u8 = 200;
    let run = |system, told: &mut Vec<Vec<String>>| {
        fn on<H: kvm_core::Hypervisor<Guest = kvm_core::kvm_exit::X86_64>>(
            system: H,
            told: &mut Vec<Vec<String>>,
        ) {
            let vm = Kvm::with(system).unwrap().create_vm().unwrap();
            let vcpus: Vec<_> = (0..VCPUS).map(|id| vm.create_vcpu(id).unwrap()).collect();
            std::thread::scope(|scope| {
                let threads: Vec<_> = vcpus
                    .into_iter()
                    .map(|mut vcpu| {
                        scope.spawn(move || {
                            let mut told = Vec::new();
                            for _ in 0..EXITS {
                                let (exit, regs) = vcpu.run().unwrap();
                                told.push(format!("{exit} {:?}", regs.get_regs().unwrap().rip));
                                if let kvm_core::Exit::IoIn(io) = exit {
                                    let port = io.port.to_le_bytes();
                                    io.data.copy_from_slice(&port[..1]);
                                }
                            }
                            told
                        })
                    })
                    .collect();
                told.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
            });
        }
        match system {
            Ok(recorder) => on::<Recorder<Model>>(recorder, told),
            Err(replay) => on::<Replay>(replay, told),
        }
    };
    let model = Model::new();
    model.pending_io(PendingIo::Readable);
    model.allow_unread(); // the last exits are not answered
    for vcpu in 0..VCPUS {
        let ports = (0..EXITS).map(move |n| n.wrapping_mul(vcpu as u8 + 1));
        model.script(vcpu, ports.map(|n| Step::io_in(n.into(), [n])));
    }
    let file = Shared::default();
    let mut recorded = Vec::new();
    run(
        Ok(Recorder::to_writer(model, file.clone()).unwrap()),
        &mut recorded,
    );
    for _ in 0..3 {
        let replay = Replay::from_bytes(file.bytes()).unwrap();
        let mut told = Vec::new();
        run(Err(replay.clone()), &mut told);
        assert_eq!(replay.outcome(), Outcome::Complete);
        assert_eq!(told, recorded);
    }
}
