//! [`Stats`]: the file in which an object's statistics are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kvm_core::kvm_sys::{
    ExitReason, KVM_EXIT_HLT, KVM_EXIT_IO, KVM_EXIT_MMIO, KVM_STATS_TYPE_CUMULATIVE,
    KVM_STATS_TYPE_INSTANT, KVM_STATS_TYPE_LOG_HIST, KVM_STATS_TYPE_PEAK, KVM_STATS_UNIT_BOOLEAN,
    KVM_STATS_UNIT_SECONDS, kvm_stats_desc, kvm_stats_header,
};
use zerocopy::IntoBytes;

use super::vcpu::Vcpu;
use super::vm::Vm;

/// Bytes of each name, as the kernel has it.
const NAME: usize = 48;

/// Statistics of a VM or a vCPU. It keeps them.
#[derive(Debug)]
pub(super) struct Stats {
    number: i32,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Vm(Arc<Vm>),
    Vcpu(Arc<Vcpu>),
}

/// What is counted of a vCPU.
#[derive(Debug, Default)]
pub(super) struct Counters {
    exits: AtomicU64,
    io: AtomicU64,
    mmio: AtomicU64,
    halt: AtomicU64,
    signal: AtomicU64,
}

impl Counters {
    pub(super) fn exit(&self, reason: ExitReason) {
        let kind = match reason {
            KVM_EXIT_IO => Some(&self.io),
            KVM_EXIT_MMIO => Some(&self.mmio),
            KVM_EXIT_HLT => Some(&self.halt),
            _ => None,
        };
        for counter in [Some(&self.exits), kind].into_iter().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn interrupted(&self) {
        self.signal.fetch_add(1, Ordering::Relaxed);
    }
}

/// One statistic: name, flags, exponent, values.
type Stat = (&'static str, u32, i16, Vec<u64>);

const NANOSECONDS: i16 = -9;

impl Stats {
    pub(super) fn of_vm(vm: &Arc<Vm>) -> Self {
        Self {
            number: vm.system().next_number(),
            of: Of::Vm(Arc::clone(vm)),
        }
    }

    pub(super) fn of_vcpu(vcpu: &Arc<Vcpu>) -> Self {
        Self {
            number: vcpu.vm().system().next_number(),
            of: Of::Vcpu(Arc::clone(vcpu)),
        }
    }

    pub(super) fn vm(&self) -> &Vm {
        match &self.of {
            Of::Vm(vm) => vm,
            Of::Vcpu(vcpu) => vcpu.vm(),
        }
    }

    pub(super) fn number(&self) -> i32 {
        self.number
    }

    fn id(&self) -> String {
        let process = std::process::id();
        match &self.of {
            Of::Vm(_) => format!("kvm-{process}"),
            Of::Vcpu(vcpu) => format!("kvm-{process}/vcpu-{}", vcpu.id),
        }
    }

    /// Some of those that KVM has on x86_64. What nothing here does is 0.
    fn stats(&self) -> Vec<Stat> {
        let count = |name, value| (name, KVM_STATS_TYPE_CUMULATIVE, 0, vec![value]);
        match &self.of {
            Of::Vm(_) => vec![
                count("remote_tlb_flush", 0),
                ("pages_4k", KVM_STATS_TYPE_INSTANT, 0, vec![0]),
                ("max_mmu_rmap_size", KVM_STATS_TYPE_PEAK, 0, vec![0]),
            ],
            Of::Vcpu(vcpu) => {
                let counters = &vcpu.counters;
                let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let time = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_SECONDS;
                let times = KVM_STATS_TYPE_LOG_HIST | KVM_STATS_UNIT_SECONDS;
                let blocking = KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_BOOLEAN;
                vec![
                    ("halt_wait_ns", time, NANOSECONDS, vec![0]),
                    ("halt_wait_hist", times, NANOSECONDS, vec![0; 32]),
                    ("blocking", blocking, 0, vec![0]),
                    count("exits", now(&counters.exits)),
                    count("io_exits", now(&counters.io)),
                    count("mmio_exits", now(&counters.mmio)),
                    count("halt_exits", now(&counters.halt)),
                    count("signal_exits", now(&counters.signal)),
                ]
            }
        }
    }

    /// Section 4.133: a header, the name of the object, descriptions, values; to be read from any offset.
    fn file(&self) -> Vec<u8> {
        let stats = self.stats();
        let id_offset = size_of::<kvm_stats_header>();
        let desc_offset = id_offset + NAME;
        let data_offset = desc_offset + stats.len() * (size_of::<kvm_stats_desc>() + NAME);
        let header = kvm_stats_header {
            flags: 0,
            name_size: small(NAME),
            num_desc: small(stats.len()),
            id_offset: small(id_offset),
            desc_offset: small(desc_offset),
            data_offset: small(data_offset),
        };
        let mut file = header.as_bytes().to_vec();
        put_name(&mut file, &self.id());
        let mut data = Vec::new();
        for (name, flags, exponent, values) in stats {
            let desc = kvm_stats_desc {
                flags,
                exponent,
                size: u16::try_from(values.len()).unwrap_or(0),
                offset: small(data.len()),
                bucket_size: 0,
            };
            file.extend_from_slice(desc.as_bytes());
            put_name(&mut file, name);
            data.extend_from_slice(values.as_bytes());
        }
        file.extend_from_slice(&data);
        file
    }

    /// Reads as from a file: nothing behind the end.
    pub(super) fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        let file = self.file();
        let from = usize::try_from(offset).ok().and_then(|at| file.get(at..));
        let from = from.unwrap_or_default();
        for (to, from) in buf.iter_mut().zip(from) {
            *to = *from;
        }
        from.len().min(buf.len())
    }
}

/// The file has some thousand bytes.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn put_name(file: &mut Vec<u8>, name: &str) {
    let end = file.len() + NAME;
    file.extend_from_slice(name.as_bytes());
    file.resize(end, 0);
}
