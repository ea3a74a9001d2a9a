//! The table of all scenarios.

use kvm_core::kvm_exit::{Aarch64, GuestArch, Riscv64, X86_64};
use kvm_core::kvm_sys::Arch;
use kvm_mock::Model;

use super::backends::Calls;
use super::{Backend, Outcome, aarch64, common, riscv64, x86_64};

/// One scenario, for guests of one architecture, on every backend.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, such as `io::out`.
    pub name: &'static str,
    /// The architecture of its guests.
    pub arch: Arch,
    /// Runs it on a backend, and tells the calls.
    pub(super) run: fn(Backend, &Calls) -> Outcome,
}

/// What is said of a scenario in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Plain,
    /// What the guest signals is recorded.
    Signals,
    /// Several threads run vCPUs, in whatever order.
    Racing,
}

/// All scenarios.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    SCENARIOS.iter().copied().flatten().copied().flatten()
}

/// A folder, the architectures that its scenarios are for, and the files in it with their scenarios: each with the
/// script for its guest, if it has one, and its [`Mark`].
macro_rules! scenarios {
    ($($folder:ident for [$($guest:ident),+] $files:tt)*) => {
        const SCENARIOS: &[&[&[Scenario]]] = &[$($(scenarios!(@files $folder $guest $files)),+),*];
    };
    (@files $folder:ident $guest:ident {$(
        $(#[$when:meta])? $file:ident {
            $($scenario:ident $(: $script:ident)? $([$mark:ident])?),* $(,)?
        }
    )*}) => {
        &[$(
            $(#[$when])?
            &[$(Scenario {
                name: concat!(stringify!($file), "::", stringify!($scenario)),
                arch: $guest::ARCH,
                run: |backend, calls| backend.run::<$guest>(
                    scenarios!(@script $folder $file $($script)?),
                    $folder::$file::$scenario,
                    scenarios!(@mark $($mark)?),
                    calls,
                ),
            }),*],
        )*]
    };
    (@mark signals) => { Mark::Signals };
    (@mark racing) => { Mark::Racing };
    (@mark) => { Mark::Plain };
    (@script $folder:ident $file:ident $script:ident) => { $folder::$file::$script };
    (@script $folder:ident $file:ident) => { no_guest };
}

fn no_guest<G>(_: &Model<G>) {}

scenarios! {
    common for [X86_64, Aarch64, Riscv64] {
        objects { system, unknown_capability, several_vms, vcpu_ids, messages }
        memory { refused, taken_back, many_slots }
        slots {
            dirty_log: writer_script,
            flags: writer_script,
            manual_protect: writer_script,
            initially_set,
            moved,
            moved_log: writer_script,
            moved_code: moved_code_script,
        }
        mmio {
            write: write_script,
            read: read_script,
            complete: complete_script,
            read_only: read_only_script,
            removed_memory: removed_memory_script,
        }
        run {
            kicked_while_running: kicked_while_running_script,
            kicked_before_run: kicked_before_run_script,
            shared_memory: shared_memory_script,
            several_threads: several_threads_script [racing],
        }
        stats { counted: counted_script, described }
        signal_mask { set: set_script }
        state { goes_on: goes_on_script }
        coalesced {
            full: full_script,
            coalesced_ring_has_one_consumer: one_consumer_script,
        }
        #[cfg(target_os = "linux")]
        ioeventfd {
            rules,
            without_exit: without_exit_script,
            signalled: signalled_script [signals],
        }
    }
    x86_64 for [X86_64] {
        private_memory { files, slots, other_vm }
        apic {
            start: start_script,
            end_of_interrupt: end_of_interrupt_script,
            priority: priority_script,
        }
        exits {
            hypercall: hypercall_script,
            fail_entry: fail_entry_script,
            internal_error: internal_error_script,
            breakpoint: breakpoint_script,
        }
        smm { entered: entered_script }
        nested { goes_on: goes_on_script }
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
        irqchip { order, presence, state, message }
        msr_filter {
            denied_read: denied_read_script,
            bitmaps_are_never_read_past_their_end,
            refused,
        }
        state {
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
            fpu_in_xsave,
        }
        vm {
            first_timer,
            clock,
            split_irqchip,
            capabilities,
            exits_disabled_too_late,
            kernel_writes_through_caller_pointers_need_unsafe,
            pmu_events,
            set_up,
        }
        #[cfg(target_os = "linux")]
        events {
            irqfds,
            irqfd_interrupts: interrupted_script,
            vfio_files,
            forged_device_fd_cannot_be_adopted,
            port_without_exit: port_without_exit_script,
        }
        #[cfg(target_os = "linux")]
        signals { resample: resample_script }
        coalesced { in_order: in_order_script }
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
        run {
            halt: halt_script,
            single_step: single_step_script,
            triple_fault: triple_fault_script,
        }
        sync_regs {
            general: general_script,
            special: special_script,
            interrupted: interrupted_script,
            refused,
        }
        window { opens: opens_script }
    }
    common for [X86_64, Aarch64] {
        objects { unknown_vm_type }
        dirty_ring { full: full_script }
    }
    aarch64 for [Aarch64] {
        debug {
            single_step: single_step_script,
            software_breakpoint: software_breakpoint_script,
            breakpoint: breakpoint_script,
            watchpoint: watchpoint_script,
        }
        psci { off: off_script, reset: reset_script, cpu_on: cpu_on_script }
        nisv { told: told_script, refused: refused_script }
        registers { readable, general, before_init, initialised_again }
        gic {
            line: line_script,
            no_such_line,
            timer: timer_script,
            registers,
            its,
        }
        #[cfg(target_os = "linux")]
        irqfd { interrupts: interrupts_script }
    }
    riscv64 for [Riscv64] {
        sbi {
            shutdown: shutdown_script,
            reset: reset_script,
            console: console_script,
            start: start_script,
            put: put_script,
        }
        interrupts { timer: timer_script, external: external_script }
        debug { breakpoint: breakpoint_script }
        registers { readable, general, extensions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_architecture_has_scenarios_of_its_own() {
        for (arch, least) in [
            (Arch::X86_64, 100),
            (Arch::Aarch64, 50),
            (Arch::Riscv64, 44),
        ] {
            let count = scenarios().filter(|scenario| scenario.arch == arch).count();
            assert!(count >= least, "{} has {count}", arch.name());
        }
    }
}
