//! Faults hit the calls that they say, and a sweep finds programs that can't bear them.
#![cfg(target_arch = "x86_64")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use kvm_core::{Errno, Error, Exit, Kvm, ops};
use kvm_mock::{Fault, FaultPlan, Faults, Misbehaviour, Model, Step, Sweep};
use kvm_sys::{KVM_CREATE_VM, KVM_RUN};

const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;

#[test]
fn entries_of_one_vcpu_fail_and_those_of_another_do_not() {
    let model = Model::new();
    for id in [0, 1] {
        model.script(id, [Step::hlt(), Step::hlt()]);
    }
    model.allow_unread();
    let faults = Faults::new(model);
    let plan = faults.plan();
    plan.add(Fault::errno(&KVM_RUN, Errno::EFAULT).vcpu(1).nth(2));
    let vm = Kvm::with(faults).unwrap().create_vm().unwrap();
    let mut vcpus = [0, 1].map(|id| vm.create_vcpu(id).unwrap());
    let mut ran = Vec::new();
    for _ in 0..2 {
        for vcpu in &mut vcpus {
            let ended = vcpu.run().map(|(exit, _)| exit == Exit::Hlt);
            ran.push(ended.map_err(|error| error.errno()));
        }
    }
    assert_eq!(ran, [Ok(true), Ok(true), Ok(true), Err(Errno::EFAULT)]);
    let hits = plan.hits();
    assert_eq!(hits.len(), 1);
    assert!(hits[0].to_string().ends_with("KVM_RUN of vCPU 1"));
}

#[test]
fn an_interruption_does_not_pretend_that_an_access_is_complete() {
    let model = Model::new();
    model.script(0, [Step::io_in(0x60, [0x1c]), Step::hlt()]);
    model.allow_unread();
    let faults = Faults::new(model.clone());
    faults.plan().add(Fault::interruption().from(2));
    let mut vcpu = Kvm::with(faults)
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    match vcpu.run().unwrap() {
        (Exit::IoIn(io), _) => io.data.fill(0x1c),
        (other, _) => panic!("{other}"),
    }
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    // The model is told the answer only now.
    vcpu.complete().unwrap();
    model.outcome().unwrap();
}

#[test]
fn a_short_list_of_msrs_names_the_first_that_is_missing() {
    let faults = Faults::new(Model::new());
    let plan = faults.plan();
    let vcpu = Kvm::with(faults)
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    vcpu.set_msrs(&[(STAR, 1), (LSTAR, 2)].map(entry)).unwrap();

    plan.add(Fault::short_set_msrs(1).nth(1));
    let error = vcpu
        .set_msrs(&[(STAR, 3), (LSTAR, 4)].map(entry))
        .unwrap_err();
    assert_eq!(error.detail(), LSTAR);
    let values = || {
        let mut list = [(STAR, 0), (LSTAR, 0)].map(entry);
        vcpu.get_msrs(&mut list)
            .map(|_| list.map(|entry| entry.data))
    };
    assert_eq!(values().unwrap(), [3, 2]);

    plan.add(Fault::short_get_msrs(0).nth(1));
    assert_eq!(values().unwrap_err().detail(), STAR);
    assert_eq!(values().unwrap(), [3, 2]);

    plan.add(Fault::short_get_msrs(7));
    assert_eq!(values().unwrap(), [3, 2]);
    assert_eq!(plan.hits().len(), 3);
}

fn entry((index, data): (u32, u64)) -> kvm_sys::kvm_msr_entry {
    kvm_sys::kvm_msr_entry {
        index,
        data,
        ..Default::default()
    }
}

#[test]
fn opening_mapping_and_reading_fail_too() {
    let plan = FaultPlan::new();
    plan.add(Fault::errno(&ops::OPEN, Errno::EACCES).nth(1));
    plan.add(Fault::errno(&ops::MMAP, Errno::ENOMEM).nth(1));
    plan.add(Fault::errno(&ops::READ, Errno::EIO).nth(1));
    let open = || plan.open(|| Ok(Model::new()));
    assert_eq!(open().unwrap_err().errno(), Errno::EACCES);
    let vm = Kvm::with(open().unwrap()).unwrap().create_vm().unwrap();
    let error = vm.create_vcpu(0).unwrap_err();
    assert_eq!((error.op().name, error.errno()), ("mmap", Errno::ENOMEM));
    let error = vm.stats().unwrap_err();
    assert_eq!((error.op().name, error.errno()), ("read", Errno::EIO));
    drop(vm);
    assert!(plan.live().is_empty(), "{}", plan.live());
}

#[test]
fn a_kick_reaches_the_backend_through_the_guard() {
    let faults = Faults::new(Model::new());
    let mut vcpu = Kvm::with(faults)
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    let kicker = vcpu.kicker();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        kicker.kick();
    });
    // Waits, as the model has no script.
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    thread.join().unwrap();
}

/// Opens, makes a VM, and drops it all.
fn small(plan: &FaultPlan) -> Result<Kvm<Faults<Model>>, Error> {
    let kvm = Kvm::with(plan.open(|| Ok(Model::new()))?)?;
    kvm.create_vm()?;
    Ok(kvm)
}

#[test]
fn a_sweep_fails_each_call_once() {
    let mut failed = Vec::new();
    let points = Sweep::new(Errno::ENOMEM)
        .run(|plan| {
            let result = small(plan);
            failed.extend(plan.hits());
            result.map(drop).map_or_else(
                |error| match plan.hits()[..] {
                    [hit] if hit.op == error.op() => Ok(()),
                    _ => Err(format!("{error} is not the fault")),
                },
                |()| Ok::<(), String>(()),
            )
        })
        .unwrap();
    let calls: Vec<_> = failed.iter().map(|hit| hit.call).collect();
    assert_eq!(calls, (1..=points).collect::<Vec<_>>());
    assert_eq!(failed[0].op, &ops::OPEN);
    assert_eq!(failed.last().unwrap().op, &KVM_CREATE_VM);
}

#[test]
fn a_sweep_finds_panics_errors_and_leaks() {
    let mut kept = Vec::new();
    let failure = Sweep::new(Errno::EMFILE)
        .only(&KVM_CREATE_VM)
        .run(|plan| {
            let kvm = Kvm::with(plan.open(|| Ok(Model::new())).unwrap()).unwrap();
            if kvm.create_vm().is_err() {
                // What a VMM must not do: it keeps the system.
                kept.push(kvm);
                panic!("no VM");
            }
            Ok::<(), String>(())
        })
        .unwrap_err();
    let hit = match &failure.runs()[0] {
        Misbehaviour::Panicked {
            fault: Some(hit),
            what,
        } if what == "no VM" => *hit,
        other => panic!("{other}"),
    };
    assert_eq!(hit.op, &KVM_CREATE_VM);
    let expected = format!(
        "2 things went wrong\n  {hit} failed: panicked: no VM\n  {hit} failed: leaked 1 objects and 0 mappings"
    );
    assert_eq!(failure.to_string(), expected);

    let failure = Sweep::new(Errno::EMFILE)
        .run(|_| Err("never well"))
        .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "1 things went wrong\n  without a fault: never well"
    );
}
