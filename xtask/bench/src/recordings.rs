//! The programs over kvm-mock: recording the kernel, and replaying a recording.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kvm_core::kvm_exit::X86_64;
use kvm_core::{DevKvm, Exit, Hypervisor, Kvm, Vcpu};
use kvm_mock::{Model, Recorder, RecorderOptions, Replay, Step};

use crate::{Outcome, PORT_OUT, WARM_UP, ours, processor_time, time};

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("bench-{name}-{}.kvmrec", std::process::id()))
}

fn port_out<H: Hypervisor<Guest = X86_64>>(vcpu: &mut Vcpu<H>, times: u64) -> Outcome {
    time(times, || match vcpu.run()?.0 {
        Exit::IoOut(_) => Ok(()),
        other => Err(other.to_string().into()),
    })
}

/// A recording of so many writes to a port, each of another byte than the one before.
fn recording(exits: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let model = Model::new();
    let bytes = (0..=u8::MAX).cycle();
    for (_, byte) in (0..exits).zip(bytes) {
        model.script(0, [Step::io_out(0x3f8, [byte])]);
    }
    let path = file("replay");
    let mut vcpu = Kvm::with(Recorder::create(model, &path)?)?
        .create_vm()?
        .create_vcpu(0)?;
    for _ in 0..exits {
        vcpu.run()?;
    }
    drop(vcpu);
    let bytes = fs::read(&path)?;
    fs::remove_file(path)?;
    Ok(bytes)
}

pub(crate) fn replay(times: u64) -> Outcome {
    let bytes = recording(3 * WARM_UP + times)?;
    let mut vcpu = Kvm::with(Replay::from_bytes(bytes)?)?
        .create_vm()?
        .create_vcpu(0)?;
    port_out(&mut vcpu, WARM_UP)?;
    let begun = processor_time();
    port_out(&mut vcpu, times)?;
    Ok(processor_time() - begun)
}

/// The bytes that so many exits add to a recording, for nanoseconds.
pub(crate) fn bytes(exits: u64) -> Outcome {
    let bytes = recording(WARM_UP + exits)?.len() - recording(WARM_UP)?.len();
    Ok(Duration::from_nanos(bytes as u64))
}

/// Exits of a vCPU until the other one has its turn: fewer than a thread takes before another is scheduled.
const TURN: u64 = 100;

/// What recording adds to so many exits of the kernel. A vCPU that is recorded and one that is not take turns, so
/// that what else the machine does hits both.
pub(crate) fn overhead(options: RecorderOptions, times: u64) -> Outcome {
    let path = file("record");
    let recorder = options.create(DevKvm::open()?, &path)?;
    let handle = recorder.handle();
    let mut recorded = ours::vcpu_on(Kvm::with(recorder)?, PORT_OUT)?;
    let mut plain = ours::vcpu_on(Kvm::open()?, PORT_OUT)?;
    port_out(&mut recorded, 0)?;
    port_out(&mut plain, 0)?;
    let mut took = (Vec::new(), Vec::new());
    for _ in 0..times.div_ceil(TURN) {
        took.0.push(turn(&mut recorded)?);
        took.1.push(turn(&mut plain)?);
    }
    drop(recorded);
    handle.finish()?;
    fs::remove_file(path)?;
    let added = median(took.0).saturating_sub(median(took.1));
    Ok(added.mul_f64(times as f64 / TURN as f64))
}

fn turn<H: Hypervisor<Guest = X86_64>>(vcpu: &mut Vcpu<H>) -> Outcome {
    let begun = Instant::now();
    for _ in 0..TURN {
        match vcpu.run()?.0 {
            Exit::IoOut(_) => {}
            other => return Err(other.to_string().into()),
        }
    }
    Ok(begun.elapsed())
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get(took.len() / 2).copied().unwrap_or_default()
}
