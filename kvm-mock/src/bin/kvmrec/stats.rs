//! `kvmrec stats`: what a recording is made of, in numbers.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use kvm_mock::recording::{Content, Page};
use serde::Serialize;

use crate::exits::{End, Exits, Place};
use crate::json::nanoseconds;
use crate::paint::Paint;
use crate::part::Part;
use crate::silent::Silent;
use crate::source::Source;
use crate::spans::{Spans, Spread};
use crate::text::{count, several, span};
use crate::{Done, json};

/// Count exits, writes that made none, calls, bytes, ports and addresses
///
/// Times are told if the recording has them: how long a vCPU was in the guest until an exit, and how long the VMM took
/// until the next entry. They are exact to 1 %.
///
/// Exit codes: 0 done, 2 trouble.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording
    file: PathBuf,
    /// How many ports and addresses are listed; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// One JSON object, with all ports and addresses
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    part: Part,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a std::path::Path,
    architecture: String,
    page_size: u32,
    records: u64,
    exits: u64,
    bytes: u64,
    cut: Option<u64>,
    /// From the first entry to the last exit.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ns: Option<u64>,
    memory: MemoryCount,
    /// Pages that were put into dirty rings.
    dirty_ring: u64,
    vcpus: Vec<Vcpu<'a>>,
    /// The guest's writes that made no exit.
    silent: Vec<SilentCount>,
    places: Vec<PlaceCount>,
    calls: Vec<CallCount<'a>>,
}

/// Guest memory that changed.
#[derive(Debug, Default, Serialize)]
struct MemoryCount {
    pieces: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Vcpu<'a> {
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    exits: u64,
    kinds: Vec<KindCount>,
}

#[derive(Debug, Serialize)]
struct KindCount {
    kind: String,
    name: String,
    count: u64,
    /// What the guest read or wrote.
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_guest: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_vmm: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct SilentCount {
    kind: &'static str,
    count: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct PlaceCount {
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msr: Option<u64>,
    kind: String,
    count: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct CallCount<'a> {
    name: &'a str,
    count: u64,
    failed: u64,
}

/// As [`End::kind`] gives it, which is not copied for every exit.
type KindName = Cow<'static, str>;

/// Exits of one kind of one vCPU.
#[derive(Debug, Default)]
struct Kind {
    name: String,
    count: u64,
    bytes: u64,
    in_guest: Spans,
    in_vmm: Spans,
}

/// Counts one more, of so many bytes.
fn add((count, sum): &mut (u64, u64), bytes: u64) {
    *count += 1;
    *sum += bytes;
}

/// What is counted as records go by.
#[derive(Debug, Default)]
struct Counts<'a> {
    kinds: BTreeMap<(u32, KindName), Kind>,
    /// The kind and time of each vCPU's last exit.
    last: HashMap<u32, (KindName, u64)>,
    silent: BTreeMap<&'static str, (u64, u64)>,
    places: HashMap<(Place, KindName), (u64, u64)>,
    calls: BTreeMap<&'a str, (u64, u64)>,
    memory: MemoryCount,
    dirty_ring: u64,
    first_ns: Option<u64>,
    last_ns: u64,
}

pub(crate) fn run(args: &Args) -> Done {
    let source = Source::open(&args.file)?;
    args.part.fits(&source)?;
    let mut counts = Counts::default();
    let mut exits = Exits::of(&source.recording);
    for record in source.records("counting") {
        if args.part.is_past(&record) {
            break;
        }
        if !args.part.takes(&record, &source) {
            exits.apply(&record, |_| ());
            continue;
        }
        match &record.content {
            Content::Entry(entry) => {
                let times = entry.times.map(|times| {
                    let (entered, exited) = (nanoseconds(times.entered), nanoseconds(times.exited));
                    (entered, exited)
                });
                let stream = record.stream.unwrap_or_default();
                exits.apply(&record, |end| counts.exit(stream, end, times));
            }
            Content::Memory { bytes, .. } => {
                counts.memory.pieces += 1;
                counts.memory.bytes += bytes.len() as u64;
            }
            Content::Pages { pages, .. } => {
                let pages = pages.iter().count() as u64;
                counts.memory.pieces += pages;
                counts.memory.bytes += pages * Page::LEN;
            }
            Content::DirtyRing(pages) => counts.dirty_ring += pages.iter().len() as u64,
            Content::Call(call) | Content::Create { call, .. } => {
                counts.call(call.name, call.errno.is_some());
                exits.apply(&record, |_| ());
            }
            Content::Map { errno, .. } => {
                counts.call("mmap", errno.is_some());
                exits.apply(&record, |_| ());
            }
            Content::Read { errno, .. } => counts.call("read", errno.is_some()),
            other => counts.silent(other),
        }
    }
    let report = counts.report(&source, args);
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        out.write_all(json::line(&report)?.as_bytes())?;
    } else {
        print(&mut out, &report, &source, args.top)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

impl<'a> Counts<'a> {
    fn call(&mut self, name: &'a str, failed: bool) {
        let (calls, failures) = self.calls.entry(name).or_default();
        *calls += 1;
        *failures += u64::from(failed);
    }

    fn silent(&mut self, content: &Content<'_>) {
        for write in Silent::all(content) {
            add(self.silent.entry(write.kind).or_default(), write.bytes);
            if let Some(place) = write.place {
                let at = (place, write.kind.into());
                add(self.places.entry(at).or_default(), write.bytes);
            }
        }
    }

    fn exit(&mut self, stream: u32, end: &End<'_>, times: Option<(u64, u64)>) {
        let name = end.kind();
        let bytes = end.bytes() as u64;
        if let Some(place) = end.place() {
            add(self.places.entry((place, name.clone())).or_default(), bytes);
        }
        if let Some((entered, _)) = times {
            if let Some((before, exited)) = self.last.remove(&stream) {
                if let Some(kind) = self.kinds.get_mut(&(stream, before)) {
                    kind.in_vmm.add(entered.saturating_sub(exited));
                }
            }
        }
        let kind = self.kinds.entry((stream, name.clone())).or_default();
        kind.count += 1;
        kind.bytes += bytes;
        if kind.count == 1 {
            kind.name = end.name().into_owned();
        }
        if let Some((entered, exited)) = times {
            kind.in_guest.add(exited.saturating_sub(entered));
            self.last.insert(stream, (name, exited));
            self.first_ns.get_or_insert(entered);
            self.last_ns = self.last_ns.max(exited);
        }
    }

    fn report(self, source: &'a Source, args: &'a Args) -> Report<'a> {
        let recording = &source.recording;
        let summary = recording.summary();
        let mut vcpus: Vec<Vcpu<'_>> = Vec::new();
        let mut last = None;
        for ((stream, kind), counted) in self.kinds {
            if last != Some(stream) {
                last = Some(stream);
                vcpus.push(Vcpu {
                    object: source.label(stream),
                    id: source.vcpu(stream),
                    exits: 0,
                    kinds: Vec::new(),
                });
            }
            if let Some(vcpu) = vcpus.last_mut() {
                vcpu.exits += counted.count;
                vcpu.kinds.push(KindCount {
                    kind: kind.into_owned(),
                    name: counted.name,
                    count: counted.count,
                    bytes: counted.bytes,
                    in_guest: counted.in_guest.spread(),
                    in_vmm: counted.in_vmm.spread(),
                });
            }
        }
        for vcpu in &mut vcpus {
            vcpu.kinds.sort_by_key(|kind| Reverse(kind.count));
        }
        let mut places: Vec<_> = self.places.into_iter().collect();
        places.sort_by(|(place_a, a), (place_b, b)| b.cmp(a).then_with(|| place_a.cmp(place_b)));
        let mut calls: Vec<_> = self.calls.into_iter().collect();
        calls.sort_by(|(_, a), (_, b)| b.cmp(a));
        Report {
            file: &args.file,
            architecture: recording.architecture().to_string(),
            page_size: recording.page_size(),
            records: summary.records,
            exits: summary.exits,
            bytes: summary.bytes,
            cut: recording.cut(),
            time_ns: self
                .first_ns
                .map(|first| self.last_ns.saturating_sub(first)),
            memory: self.memory,
            dirty_ring: self.dirty_ring,
            vcpus,
            silent: self
                .silent
                .into_iter()
                .map(|(kind, (count, bytes))| SilentCount { kind, count, bytes })
                .collect(),
            places: places
                .into_iter()
                .map(|((place, kind), (count, bytes))| PlaceCount::new(place, kind, count, bytes))
                .collect(),
            calls: calls
                .into_iter()
                .map(|(name, (count, failed))| CallCount {
                    name,
                    count,
                    failed,
                })
                .collect(),
        }
    }
}

impl PlaceCount {
    fn new(place: Place, kind: KindName, count: u64, bytes: u64) -> Self {
        let only = |wanted: bool, value| wanted.then_some(value);
        let (number, port, msr) = match place {
            Place::Port(port) => (port.into(), true, false),
            Place::Msr(msr) => (msr.into(), false, true),
            Place::Address(address) => (address, false, false),
        };
        Self {
            port: only(port, number),
            msr: only(msr, number),
            address: only(!port && !msr, number),
            kind: kind.into_owned(),
            count,
            bytes,
        }
    }
}

fn print(out: &mut impl Write, report: &Report<'_>, source: &Source, top: usize) -> io::Result<()> {
    writeln!(out, "{}", source.about())?;
    if let Some(time) = report.time_ns {
        writeln!(out, "{} from the first entry to the last exit", span(time))?;
    }
    if report.memory.pieces > 0 {
        let (bytes, pieces) = (count(report.memory.bytes), count(report.memory.pieces));
        writeln!(
            out,
            "{bytes} bytes of guest memory changed, in {pieces} pieces"
        )?;
    }
    if report.dirty_ring > 0 {
        let pages = several(report.dirty_ring, "page");
        writeln!(out, "{pages} put into dirty rings")?;
    }
    for vcpu in &report.vcpus {
        let head = format!("{}: {} exits", vcpu.object, count(vcpu.exits));
        writeln!(out, "\n{}", Paint::Head.on(head))?;
        kinds(out, &vcpu.kinds)?;
    }
    if !report.silent.is_empty() {
        writeln!(out, "\n{}", Paint::Head.on("writes without an exit"))?;
        let (counts, sums) = (right("count"), right("bytes"));
        writeln!(out, "  {:<20}{counts}{sums}", "kind")?;
        for write in &report.silent {
            let (counts, sums) = (right(&count(write.count)), right(&count(write.bytes)));
            writeln!(out, "  {:<20}{counts}{sums}", write.kind)?;
        }
    }
    if !report.places.is_empty() {
        let shown = if top == 0 { usize::MAX } else { top };
        let left = report.places.len().saturating_sub(shown);
        writeln!(out, "\n{}", Paint::Head.on("ports and addresses"))?;
        let (counts, sums) = (right("count"), right("bytes"));
        writeln!(out, "  {:<20} {:<14}{counts}{sums}", "at", "kind")?;
        for place in report.places.iter().take(shown) {
            let at = match (place.port, place.address, place.msr) {
                (Some(port), ..) => format!("port {port:#x}"),
                (_, Some(address), _) => format!("{address:#x}"),
                (.., msr) => format!("msr {:#x}", msr.unwrap_or_default()),
            };
            let (counts, sums) = (right(&count(place.count)), right(&count(place.bytes)));
            writeln!(out, "  {at:<20} {:<14}{counts}{sums}", place.kind)?;
        }
        if left > 0 {
            writeln!(
                out,
                "  and {} more, which --top 0 lists",
                count(left as u64)
            )?;
        }
    }
    if !report.calls.is_empty() {
        writeln!(out, "\n{}", Paint::Head.on("calls"))?;
        let (counts, failures) = (right("count"), right("failed"));
        writeln!(out, "  {:<35}{counts}{failures}", "name")?;
        for call in &report.calls {
            let failed = match call.failed {
                0 => String::new(),
                failed => count(failed),
            };
            let (counts, failures) = (right(&count(call.count)), right(&failed));
            let line = format!("  {:<35}{counts}{failures}", call.name);
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

/// The exits of a vCPU, and how long they took.
fn kinds(out: &mut impl Write, kinds: &[KindCount]) -> io::Result<()> {
    let times = kinds.iter().any(|kind| kind.in_guest.is_some());
    let mut line = format!("  {:<20}{}{}", "kind", right("count"), right("bytes"));
    if times {
        for head in ["in guest: median", "99 %", "in VMM: median", "99 %"] {
            line += &format!("{head:>18}");
        }
    }
    writeln!(out, "{line}")?;
    for kind in kinds {
        let (counts, sums) = (right(&count(kind.count)), right(&count(kind.bytes)));
        let mut line = format!("  {:<20}{counts}{sums}", kind.kind);
        for spread in [kind.in_guest, kind.in_vmm] {
            let times = spread.map(|spread| [spread.median_ns, spread.p99_ns]);
            for time in times.into_iter().flatten() {
                line += &format!("{:>18}", span(time));
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn right(text: &str) -> String {
    format!("{text:>14}")
}
