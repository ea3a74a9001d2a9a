//! [`Stats`]: what KVM counts.

mod describe;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kvm_sys::{kvm_stats_desc, kvm_stats_header};
use zerocopy::FromBytes;

use crate::error::Cause;
use crate::typed::Call;
use crate::{DevKvm, Errno, Error, Hypervisor, Registers, Vm, ops, vm};
pub use describe::{StatDescriptor, StatKind, StatUnit};

const GET_STATS_FD: Call = Call::new(&kvm_sys::KVM_GET_STATS_FD);

/// Descriptions, or values, of more bytes than this are none of KVM's, which are some thousand.
const MOST_BYTES: usize = 1 << 20;

/// The statistics of a VM or a vCPU.
///
/// What there is was read when it was opened and is kept; [`read`](Self::read) gets the values, in one
/// system call.
///
/// ```
/// use kvm_core::{Kvm, StatUnit};
/// use kvm_mock::{Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::io_out(0x80, [1]), Step::hlt()]);
/// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
/// let stats = vcpu.stats()?;
/// vcpu.run()?;
/// vcpu.run()?;
///
/// assert!(stats.id().ends_with("/vcpu-0"));
/// let values = stats.read()?;
/// assert_eq!(values.get("exits"), Some(&[2][..]));
/// for (stat, values) in values.iter() {
///     println!("{} {values:?} x {}^{} {:?}", stat.name(), stat.base(), stat.exponent(), stat.unit());
/// }
/// let waited = stats.descriptors().iter().find(|stat| stat.name() == "halt_wait_ns").unwrap();
/// assert_eq!((waited.unit(), waited.base(), waited.exponent()), (StatUnit::Seconds, 10, -9));
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Stats<H: Hypervisor = DevKvm> {
    // Closed before the VM and its memory may go.
    object: H,
    id: String,
    descriptors: Vec<StatDescriptor>,
    data: u64,
    data_len: usize,
    _vm: Arc<vm::Inner<H>>,
}

impl<H: Hypervisor> Stats<H> {
    fn of(object: &H, vm: Arc<vm::Inner<H>>) -> Result<Self, Error> {
        let object = GET_STATS_FD.create(object, 0)?;
        let header = read(&object, 0, size_of::<kvm_stats_header>())?;
        let header = kvm_stats_header::read_from_bytes(&header).map_err(|_| malformed())?;
        let name_size = header.name_size as usize;
        let each = size_of::<kvm_stats_desc>().saturating_add(name_size);
        let len = each.saturating_mul(header.num_desc as usize);
        let id = read(&object, header.id_offset.into(), name_size)?;
        let bytes = read(&object, header.desc_offset.into(), len)?;
        let descriptors: Option<Vec<_>> = bytes
            .chunks_exact(each)
            .map(StatDescriptor::decode)
            .collect();
        let descriptors = descriptors.ok_or(malformed())?;
        let ends = descriptors.iter().map(StatDescriptor::end);
        Ok(Self {
            object,
            id: describe::text(&id),
            data: header.data_offset.into(),
            data_len: ends.max().unwrap_or(0),
            descriptors,
            _vm: vm,
        })
    }

    /// Who they are of, such as `kvm-1234` or `kvm-1234/vcpu-0`, with the process's number.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is counted.
    pub fn descriptors(&self) -> &[StatDescriptor] {
        &self.descriptors
    }

    /// The values now. They are not of one moment: the kernel counts on while it copies them.
    ///
    /// # Errors
    ///
    /// What the backend answers, [`Cause::Stats`] when there are fewer values than descriptions.
    pub fn read(&self) -> Result<StatValues<'_>, Error> {
        let bytes = read(&self.object, self.data, self.data_len)?;
        Ok(StatValues {
            descriptors: &self.descriptors,
            words: describe::words(&bytes),
        })
    }
}

/// What [`Stats::read`] got.
#[derive(Clone, Debug)]
pub struct StatValues<'a> {
    descriptors: &'a [StatDescriptor],
    words: Vec<u64>,
}

impl<'a> StatValues<'a> {
    /// Each statistic with its values: one, or as many as a histogram has buckets.
    pub fn iter(&self) -> impl Iterator<Item = (&'a StatDescriptor, &[u64])> {
        let values = |stat: &'a StatDescriptor| (stat, stat.of(&self.words));
        self.descriptors.iter().map(values)
    }

    /// The values of the statistic with this name.
    pub fn get(&self, name: &str) -> Option<&[u64]> {
        self.iter()
            .find_map(|(stat, values)| (stat.name() == name).then_some(values))
    }
}

fn malformed() -> Error {
    Error::with(&ops::READ, Errno::EPROTO, Cause::Stats, 0)
}

/// As many bytes from `offset` on.
fn read<H: Hypervisor>(object: &H, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
    if len > MOST_BYTES {
        return Err(malformed());
    }
    let mut bytes = alloc::vec![0; len];
    let mut done = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(done..) {
        match object.read(offset.saturating_add(done as u64), rest) {
            Ok(0) => return Err(malformed()),
            Ok(n) => done += n.min(rest.len()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::new(&ops::READ, errno)),
        }
    }
    Ok(bytes)
}

impl<H: Hypervisor> Vm<H> {
    /// The VM's statistics: of its memory management, mostly. Section 4.133; needs `KVM_CAP_BINARY_STATS_FD`.
    ///
    /// # Errors
    ///
    /// `EMFILE`, or what else the backend answers; [`Cause::Stats`] when what it says of them makes no sense.
    pub fn stats(&self) -> Result<Stats<H>, Error> {
        Stats::of(self.backend(), Arc::clone(self.inner()))
    }
}

impl<H: Hypervisor> Registers<H> {
    /// The vCPU's statistics: its exits by kind, how it waits. They can be read while it runs. Section 4.133;
    /// needs `KVM_CAP_BINARY_STATS_FD`.
    ///
    /// # Errors
    ///
    /// As [`Vm::stats`].
    pub fn stats(&self) -> Result<Stats<H>, Error> {
        Stats::of(self.backend(), Arc::clone(self.vm()))
    }
}
