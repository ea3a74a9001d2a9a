//! The differential test: the same random sequences of calls are given to `/dev/kvm` and to a model of the same
//! host, and what they answer is compared call by call.
//!
//! A difference is the model's fault, and then the model is to be repaired, or it is the kernel's own, and then it
//! stands in [`known`](self) with the kernel's reason. Each sequence comes from a seed that is printed; a sequence
//! that shows a difference is cut down to the steps that are needed for it.

mod fits;
mod generate;
mod host;
mod known;
mod options;
mod shrink;
mod step;
mod world;

use std::collections::BTreeSet;
use std::process::ExitCode;

use kvm_core::{DevKvm, Errno, Kvm};
use kvm_mock::{Model, NativeModel, Profile};

use generate::sequence;
use host::Host;
use known::{BY_TIME, KNOWN};
pub use options::Options;
use shrink::shrink;
use step::{Does, Step};
use world::{Answer, UNFIT, World};

type Error = Box<dyn std::error::Error>;

/// How many differences are shown; the rest are counted.
const MOST_SHOWN: usize = 20;
/// An entry of the table that so many sequences did not come upon is out of date.
const FULL_RUN: u64 = 10_000;

/// Runs the test with the options of this process's command line.
pub fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) if options.only_asked => {
            print!("{}", Options::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = Kvm::open().and_then(|kvm| kvm.create_vm().map(|_| ())) {
        println!("test differential ... NOT RUN: {error}");
        let required = std::env::var_os("KVM_TESTS").is_some_and(|value| value == "require");
        return if required {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
    }
    match Campaign::new().and_then(|campaign| campaign.run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("test differential ... FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Campaign {
    host: Host,
    profile: Profile<NativeModel>,
}

/// A step that was answered in two ways.
#[derive(Clone, Debug)]
struct Difference {
    at: usize,
    kvm: Answer,
    model: Answer,
}

/// What a sequence came to.
#[derive(Default)]
struct Outcome {
    /// Calls that were compared.
    calls: u64,
    /// The entries of the table that it came upon.
    known: BTreeSet<usize>,
    difference: Option<Difference>,
}

impl Campaign {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            host: Host::this(),
            profile: profile()?,
        })
    }

    /// Runs all sequences. Says whether there was no difference.
    fn run(&self, options: &Options) -> Result<bool, Error> {
        let Options {
            seed: first,
            sequences,
            length,
            ..
        } = *options;
        if let Some(file) = &options.profile {
            std::fs::write(file, self.profile.to_string())?;
        }
        let last = first.saturating_add(sequences);
        println!(
            "{}: seeds {first} to {}, {length} steps each",
            self.host,
            last - 1
        );
        let (mut calls, mut different) = (0, 0);
        let (mut known, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for seed in first..last {
            let steps = sequence::<NativeModel>(seed, length);
            let outcome = self.compare(&steps)?;
            calls += outcome.calls;
            known.extend(outcome.known);
            let Some(difference) = outcome.difference else {
                continue;
            };
            different += 1;
            let name = self.signature(&steps, &difference);
            if seen.len() < MOST_SHOWN && seen.insert(name.clone()) {
                self.show(seed, length, steps, &name);
            }
        }
        for index in &known {
            let Some(known) = KNOWN.get(*index) else {
                continue;
            };
            println!("known: {}: {}", known.op, known.reason);
        }
        let stale: Vec<_> = KNOWN
            .iter()
            .enumerate()
            .filter(|(index, entry)| entry.applies(&self.host) && !known.contains(index))
            .map(|(_, entry)| entry)
            .filter(|entry| sequences >= FULL_RUN && entry.reason != BY_TIME)
            .collect();
        for entry in &stale {
            println!(
                "STALE: no sequence came upon {}: {}",
                entry.op, entry.reason
            );
        }
        println!(
            "{sequences} sequences, {calls} calls compared, {different} sequences differ, {} known differences",
            known.len(),
        );
        Ok(different == 0 && stale.is_empty())
    }

    /// Gives the steps to both, until one answers what the other does not.
    fn compare(&self, steps: &[Step]) -> Result<Outcome, Error> {
        let mut kvm = World::new(DevKvm::open()?)?;
        let mut model = World::new(Model::with_profile(self.profile.clone()))?;
        let mut outcome = Outcome::default();
        for (at, step) in steps.iter().enumerate() {
            let (kvm, model) = match (kvm.make(step), model.make(step)) {
                (Some(kvm), Some(model)) => (kvm, model),
                // An object that both have made, or neither.
                _ => continue,
            };
            if [&kvm, &model]
                .iter()
                .any(|answer| answer.result == Err(UNFIT))
            {
                return Err(
                    format!("the step does not keep the contract of its call: {step}").into(),
                );
            }
            outcome.calls += 1;
            if kvm == model {
                continue;
            }
            let Some(known) = self.known(step, &kvm, &model) else {
                outcome.difference = Some(Difference { at, kvm, model });
                break;
            };
            outcome.known.insert(known);
            // From here on they are in different states.
            if kvm.result.is_ok() != model.result.is_ok() {
                break;
            }
        }
        Ok(outcome)
    }

    fn known(&self, step: &Step, kvm: &Answer, model: &Answer) -> Option<usize> {
        let (Does::Call { op, .. } | Does::Create { op, .. }) = &step.does else {
            return None;
        };
        let mut known = KNOWN.iter().enumerate();
        let found = known
            .find(|(_, known)| known.applies(&self.host) && known.explains(op, step, kvm, model));
        found.map(|(index, _)| index)
    }

    /// What makes two differences the same.
    fn signature(&self, steps: &[Step], difference: &Difference) -> String {
        let Difference { at, kvm, model } = difference;
        let name = match steps.get(*at).map(|step| &step.does) {
            Some(Does::Call { op, given, .. } | Does::Create { op, given, .. }) => {
                format!("{op}{}", given.kind(op))
            }
            Some(Does::Drop) | None => "drop".to_owned(),
        };
        let place = kvm
            .bytes
            .iter()
            .zip(&model.bytes)
            .position(|(kvm, model)| kvm != model);
        let place = place.map_or(String::new(), |at| format!(" (byte {at:#x})"));
        let said = |answer: &Answer| match answer.result {
            Ok(_) => "success".to_owned(),
            Err(errno) => errno.to_string(),
        };
        format!("{name}: kvm {}, model {}{place}", said(kvm), said(model))
    }

    /// Shows the fewest steps with this difference.
    fn show(&self, seed: u64, length: usize, steps: Vec<Step>, name: &str) {
        let shows = |steps: &[Step]| {
            let difference = self
                .compare(steps)
                .ok()
                .and_then(|outcome| outcome.difference);
            difference.filter(|difference| self.signature(steps, difference) == name)
        };
        let steps = shrink(steps, |steps| shows(steps).is_some());
        println!("\nseed {seed} differs: {name}");
        let Some(difference) = shows(&steps) else {
            println!("  but not when it is run again");
            return;
        };
        for step in steps.iter().take(difference.at + 1) {
            println!("  {step}");
        }
        print_answers(&difference);
        println!(
            "  again: {} --seed {seed} --sequences 1 --length {length}",
            crate::host::command("differential")
        );
    }
}

fn print_answers(Difference { kvm, model, .. }: &Difference) {
    let said = |answer: &Answer| match answer.result {
        Ok(number) => format!("{number:#x}"),
        Err(Errno(errno)) => format!("{} ({errno})", Errno(errno)),
    };
    println!("  kvm:   {}", said(kvm));
    println!("  model: {}", said(model));
    if kvm.bytes.len() != model.bytes.len() {
        println!("  {} bytes, and {}", kvm.bytes.len(), model.bytes.len());
    }
    let differ = kvm.bytes.iter().zip(&model.bytes).enumerate();
    let differ = differ.filter(|(_, (kvm, model))| kvm != model).take(16);
    for (at, (kvm, model)) in differ {
        println!("  byte {at:#x}: {kvm:02x}, and {model:02x}");
    }
}

/// What the model is told of the host.
fn profile() -> Result<Profile<NativeModel>, Error> {
    Ok(Profile::capture(&Kvm::open()?)?)
}
