//! A file written byte by byte as FORMAT.md says, by code that shares nothing with the crate's.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![expect(unsafe_code, reason = "makes calls below the typed layer")]

mod common;

use common::Shared;
use kvm_core::kvm_exit::X86_64;
use kvm_core::{Arg, Errno, Hypervisor, Region, Span};
use kvm_mock::{Outcome, Recorder, Replay};
use kvm_sys::{
    DirtyGfnFlags, KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_GET_REGS, KVM_GET_STATS_FD, KVM_SET_MP_STATE,
};

/// CRC-32C, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !crc
}

/// A file in the making.
struct File {
    bytes: Vec<u8>,
    records: u64,
}

impl File {
    fn new() -> Self {
        let mut bytes = b"\x89KVMREC\n".to_vec();
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(1u16.to_le_bytes());
        bytes.extend([1, 0]);
        bytes.extend(4096u32.to_le_bytes());
        bytes.resize(60, 0);
        bytes.extend(crc(&bytes).to_le_bytes());
        Self { bytes, records: 0 }
    }

    fn record(&mut self, kind: u16, stream: u32, fields: &[&[u8]]) {
        let body = fields.concat();
        let len = (24 + body.len()).next_multiple_of(8);
        let guard = !((len as u16) ^ ((len >> 16) as u16) ^ kind);
        let mut record = Vec::new();
        record.extend((len as u32).to_le_bytes());
        record.extend(kind.to_le_bytes());
        record.extend(guard.to_le_bytes());
        record.extend(self.records.to_le_bytes());
        record.extend(stream.to_le_bytes());
        let padding = vec![0; len - 24 - body.len()];
        let sum = crc(&[&record[..], &body, &padding].concat());
        self.bytes.extend(record);
        self.bytes.extend(sum.to_le_bytes());
        self.bytes.extend(body);
        self.bytes.extend(padding);
        self.records += 1;
    }

    fn name(&mut self, number: u32, name: &str) {
        let len = name.len() as u32;
        let fields = [
            &number.to_le_bytes()[..],
            &len.to_le_bytes(),
            name.as_bytes(),
        ];
        self.record(1, u32::MAX, &fields);
    }
}

/// The fields of a call up to its buffers.
fn call(name: u32, errno: u16, argument: u8, returned: u32, buffers: u32, value: u64) -> Vec<u8> {
    [
        &name.to_le_bytes()[..],
        &errno.to_le_bytes(),
        &[argument, 0],
        &returned.to_le_bytes(),
        &buffers.to_le_bytes(),
        &value.to_le_bytes(),
    ]
    .concat()
}

const PRIVATE: usize = 8192;

fn file() -> Vec<u8> {
    let mut file = File::new();
    file.name(0, "KVM_CREATE_VM");
    let number = |stream: u32, fd: i32| [stream.to_le_bytes(), fd.to_le_bytes()].concat();
    file.record(3, 0, &[&number(0, -1), &call(0, 4, 1, 0, 0, 0)]);
    file.record(3, 0, &[&number(1, 12), &call(0, 0, 1, 0, 0, 0)]);
    file.name(1, "KVM_CREATE_VCPU");
    file.record(3, 1, &[&number(2, 13), &call(1, 0, 1, 0, 0, 5)]);
    let mapping = [&12288u64.to_le_bytes()[..], &8192u64.to_le_bytes(), &[0; 2]];
    file.record(4, 2, &mapping);
    let ring = [&4096u64.to_le_bytes()[..], &0u64.to_le_bytes(), &[0; 2]];
    file.record(4, 2, &ring);
    file.name(2, "KVM_SET_MP_STATE");
    let buffer = [&[0; 4][..], &4u32.to_le_bytes(), &[1], &[3, 0, 0, 0]];
    file.record(2, 2, &[&call(2, 22, 2, 0, 1, 0), &buffer.concat()]);
    file.name(3, "KVM_GET_REGS");
    let regs: Vec<u8> = (0..144).collect();
    let buffer = [&[0; 4][..], &144u32.to_le_bytes(), &[2], &regs];
    file.record(2, 2, &[&call(3, 0, 3, 0, 1, 0), &buffer.concat()]);
    // An exit for port I/O that changes the words 0 and 1, 3 and 4, and 511, where its data are; then its reply,
    // of one word, and an interruption.
    let run = |index: u16, words: &[u64]| {
        let mut run = [index.to_le_bytes(), (words.len() as u16).to_le_bytes()].concat();
        run.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        run
    };
    let start = [0, 0, 0, 0, 0, 0, 3, 0];
    let access = 0x1_0060_0100;
    let (state, access) = (run(0, &[2, 7]), run(3, &[access, 4096]));
    let page = [&7u64.to_le_bytes()[..], &0x1_0002u32.to_le_bytes()];
    file.record(12, 2, &[&1u32.to_le_bytes(), &page.concat()]);
    file.record(5, 2, &[&start, &state, &access, &run(511, &[9])]);
    let start = [4, 0, 1, 1, 1, 0, 0, 0];
    file.record(5, 2, &[&start, &run(511, &[10])]);
    file.name(4, "KVM_GET_STATS_FD");
    file.record(3, 2, &[&number(3, 14), &call(4, 0, 0, 0, 0, 0)]);
    let read = [
        &8u64.to_le_bytes()[..],
        &16u64.to_le_bytes(),
        &[0; 4],
        &3u32.to_le_bytes(),
        b"abc",
    ];
    file.record(7, 3, &read);
    let records = file.records;
    let end = [records.to_le_bytes(), 2u64.to_le_bytes()].concat();
    file.record(15, u32::MAX, &[&end, &4u32.to_le_bytes()]);
    file.bytes
}

/// Makes the calls that the file has.
fn run<H: Hypervisor<Guest = X86_64>>(system: &H) {
    // SAFETY: each argument fits its row, and no address or descriptor is in one.
    let create = |on: &H, op, arg: &mut Arg<'_>| unsafe { on.create(op, arg) };
    // SAFETY: as before.
    let ioctl = |on: &H, op, arg: &mut Arg<'_>| unsafe { on.ioctl(op, arg) };
    let zero = &mut Arg::Value(0);
    assert_eq!(
        create(system, &KVM_CREATE_VM, zero).err(),
        Some(Errno::EINTR)
    );
    let vm = create(system, &KVM_CREATE_VM, zero).ok().unwrap();
    assert_eq!(vm.number(), 12);
    let vcpu = create(&vm, &KVM_CREATE_VCPU, &mut Arg::Value(5))
        .ok()
        .unwrap();
    let region = Region::Run {
        len: 12288,
        private: PRIVATE,
    };
    let mapping = vcpu.map(region).unwrap();
    assert_eq!((mapping.len(), mapping.private()), (12288, PRIVATE));
    let ring = vcpu.map(Region::DirtyRing { len: 4096 }).unwrap();
    assert_eq!((ring.len(), ring.private()), (4096, 0));
    let set = ioctl(&vcpu, &KVM_SET_MP_STATE, &mut Arg::In(&[3, 0, 0, 0]));
    assert_eq!(set, Err(Errno::EINVAL));
    let mut regs = [0xee; 144];
    assert_eq!(ioctl(&vcpu, &KVM_GET_REGS, &mut Arg::Mut(&mut regs)), Ok(0));
    assert!(regs.iter().copied().eq(0..144));
    let start = mapping.start().as_ptr().cast::<u64>();
    // SAFETY: words 0 to 511 behind the first are in the private bytes, which this thread has between
    // entries.
    let word = |index: usize| unsafe { start.add(1 + index) };
    // SAFETY: no reference to the page exists, and this is the only thread.
    let enter = || unsafe { vcpu.enter() };
    assert_eq!(enter(), Ok(()));
    // SAFETY: as `word`, and they are initialised.
    let words = [0, 1, 2, 511].map(|index| unsafe { *word(index) });
    assert_eq!(words, [2, 7, 0, 9]);
    // SAFETY: the mapping's bytes are words that are accessed atomically, and it outlives the span.
    let ring = unsafe { Span::new(ring.start(), ring.len()) }.unwrap();
    let dirty = DirtyGfnFlags::KVM_DIRTY_GFN_F_DIRTY.bits();
    let entry: [u8; 16] = zerocopy::transmute!([[dirty, 0x1_0002], [7, 0]]);
    let mut entries = [0xee; 32];
    assert!(ring.read(0, &mut entries));
    assert_eq!(entries[..16], entry);
    assert_eq!(entries[16..], [0; 16]);
    // SAFETY: as before.
    unsafe { *word(511) = 10 };
    // SAFETY: as before; the first bytes are shared, but there is no other thread.
    unsafe { start.cast::<[u8; 2]>().write([1, 2]) };
    assert_eq!(enter(), Err(Errno::EINTR));
    let stats = create(&vcpu, &KVM_GET_STATS_FD, &mut Arg::None)
        .ok()
        .unwrap();
    assert_eq!(stats.number(), 14);
    let mut bytes = [0xee; 16];
    assert_eq!(stats.read(8, &mut bytes), Ok(3));
    assert_eq!(bytes[..4], *b"abc\xee");
}

#[test]
fn reader_and_writer_do_what_the_description_says() {
    let bytes = file();
    let replay = Replay::from_bytes(&bytes[..]).unwrap();
    let copy = Shared::default();
    run(&Recorder::to_writer(replay.clone(), copy.clone()).unwrap());
    assert_eq!(replay.outcome(), Outcome::Complete);
    assert_eq!(copy.bytes(), bytes);
}
