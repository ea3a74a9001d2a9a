//! The conformance suite: what KVM documents, asked of everything that answers for it.
//!
//! A scenario is a function on any backend. Where a guest runs, its code stands beside a script that does
//! the same on the model. Expectations are KVM's documented contract, never what one host does.

mod backends;
mod calls;
mod coalesced;
mod devices;
#[cfg(target_os = "linux")]
mod events;
pub(crate) mod guest;
mod harness;
mod interrupts;
mod io;
mod irqchip;
mod memory;
mod mmio;
mod msr_filter;
mod objects;
mod private_memory;
mod raw;
mod registers;
mod run;
mod signal_mask;
#[cfg(target_os = "linux")]
mod signals;
mod slots;
mod stats;
mod sync_regs;
mod waiting;
mod window;
mod x86_state;
mod x86_vm;

use std::error::Error;

use kvm_core::{DevKvm, Exit};
use kvm_mock::{Model, Recorder, Replay};

pub use backends::Backend;
pub use harness::main;

/// How a scenario ends, besides by a failed assertion.
type Outcome = Result<(), Box<dyn Error>>;

/// One scenario, for every backend.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, such as `io::out`.
    pub name: &'static str,
    /// What its guest does, as a script.
    script: fn(&Model),
    /// Whether it asks for what no recording has.
    live: bool,
    on_model: fn(Model) -> Outcome,
    on_recorded_model: fn(Recorder<Model>) -> Outcome,
    on_kvm: fn(DevKvm) -> Outcome,
    on_recorded_kvm: fn(Recorder<DevKvm>) -> Outcome,
    on_replay: fn(Replay) -> Outcome,
}

macro_rules! scenarios {
    ($($(#[$when:meta])? $module:ident {
        $($scenario:ident $(: $script:ident)? $([$live:ident])?),* $(,)?
    })*) => {
        /// All scenarios.
        pub const SCENARIOS: &[&[Scenario]] = &[$(
            $(#[$when])?
            &[$(Scenario {
                name: concat!(stringify!($module), "::", stringify!($scenario)),
                script: scenarios!(@script $module $($script)?),
                live: scenarios!(@live $($live)?),
                on_model: $module::$scenario::<Model>,
                on_recorded_model: $module::$scenario::<Recorder<Model>>,
                on_kvm: $module::$scenario::<DevKvm>,
                on_recorded_kvm: $module::$scenario::<Recorder<DevKvm>>,
                on_replay: $module::$scenario::<Replay>,
            }),*],
        )*];
    };
    (@live live) => { true };
    (@live) => { false };
    (@script $module:ident $script:ident) => { $module::$script };
    (@script $module:ident) => { no_guest };
}

fn no_guest(_: &Model) {}

scenarios! {
    objects { system, unknown_capability, unknown_vm_type, several_vms, vcpu_ids, messages }
    memory { refused, taken_back, many_slots }
    private_memory { files, slots, other_vm }
    slots {
        dirty_log: writer_script,
        flags: writer_script,
        manual_protect: writer_script,
        initially_set,
        moved,
        moved_log: writer_script,
        moved_code: moved_code_script,
    }
    calls { of_another_object, slots, timer, before_vcpus, interrupt, lists, pairs }
    registers {
        at_reset,
        general,
        special,
        debug,
        cpuid,
        cpuid_after_run: cpuid_after_run_script,
        msrs,
        mp_state,
    }
    irqchip { order, presence, state }
    msr_filter {
        denied_read: denied_read_script,
        bitmaps_are_never_read_past_their_end,
        refused,
    }
    x86_state {
        xsave,
        fpu,
        sregs2,
        translate,
        lapic,
        events,
        machine_checks,
        cpuid: cpuid_script,
        feature_msrs,
        many_msrs,
        tsc_khz,
        one_page_of_xsave,
    }
    x86_vm {
        first_timer,
        clock,
        split_irqchip,
        capabilities,
        kernel_writes_through_caller_pointers_need_unsafe,
        pmu_events,
        set_up,
    }
    #[cfg(target_os = "linux")]
    events {
        irqfds,
        irqfd_interrupts: interrupted_script,
        ioeventfds,
        vfio_files,
        forged_device_fd_cannot_be_adopted,
        ioeventfd_without_exit: ioeventfd_without_exit_script,
    }
    #[cfg(target_os = "linux")]
    signals { resample: resample_script [live], ioeventfd: ioeventfd_script [live] }
    stats { counted: counted_script, described }
    coalesced {
        in_order: in_order_script [live],
        full: full_script [live],
        coalesced_ring_has_one_consumer: one_consumer_script [live],
    }
    devices { kinds, of_vcpus, of_the_system, of_another_object }
    interrupts {
        line_status,
        routes,
        routed: routed_script,
        msi,
    }
    io {
        out: out_script,
        in_: in_script,
        string_out: string_out_script,
        string_in: string_in_script,
        complete: complete_script,
    }
    mmio {
        write: write_script,
        read: read_script,
        wide: wide_script,
        read_only: read_only_script,
        removed_memory: removed_memory_script,
    }
    run {
        halt: halt_script,
        single_step: single_step_script,
        kicked_while_running: kicked_while_running_script,
        kicked_before_run: kicked_before_run_script,
        shared_memory: shared_memory_script,
        triple_fault: triple_fault_script,
        several_threads: several_threads_script,
    }
    sync_regs {
        general: general_script,
        special: special_script,
        interrupted: interrupted_script,
        refused,
    }
    window { opens: opens_script }
    signal_mask { set: set_script }
}

/// The guest did something else.
fn unexpected<T>(expected: &str, exit: Exit<'_>) -> Result<T, Box<dyn Error>> {
    Err(format!("expected {expected}, got {exit}").into())
}
