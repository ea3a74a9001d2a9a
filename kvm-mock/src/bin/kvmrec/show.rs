//! `kvmrec show`: the exits and calls of a recording, as text.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::exits::Exits;
use crate::filter::Filter;
use crate::lines::Lines;
use crate::source::Source;
use crate::{Done, json};

/// Print exits and calls, one on a line
///
/// A line has the record's number, the time if the recording has times, the object, and what happened; exits are
/// numbered for each vCPU. Lines that are indented tell what the VMM answered to an exit, which is known at the
/// vCPU's next entry, and what was recorded for the exit behind them: how much guest memory changed, registers,
/// writes that made no exit. Fields of structures that are zero are left out, as are descriptors and addresses, which no
/// recording has.
///
/// Exit codes: 0 done, 2 trouble.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording
    file: PathBuf,
    /// Only the first N of them
    #[arg(short = 'n', long, value_name = "N")]
    first: Option<u64>,
    /// Only the last N of them
    #[arg(long, value_name = "N", conflicts_with = "first")]
    last: Option<usize>,
    /// Structures whole, however long
    #[arg(short = 'v', long)]
    full: bool,
    /// A JSON object on each line, with all bytes of calls
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: Filter,
}

pub(crate) fn run(args: &Args) -> Done {
    let source = Source::open(&args.file)?;
    args.filter.part.fits(&source)?;
    let start = match args.last {
        Some(last) => first_of_last(last, &source, &args.filter),
        None => 0,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = Lines::new(&source, &args.filter, args.full || args.json);
    let mut count = 0;
    for record in source.records("reading") {
        let over = args.filter.part.is_past(&record) || args.first == Some(count);
        if over && !lines.awaits() {
            break;
        }
        let (answer, line) = lines.of(&record, !over && record.sequence >= start);
        count += u64::from(line.is_some());
        for line in [answer, line].into_iter().flatten() {
            let text = if args.json {
                json::line(&line)?
            } else {
                line.as_text(source.recording.has_times())
            };
            out.write_all(text.as_bytes())?;
        }
    }
    out.flush()?;
    if let Some(offset) = source.recording.cut() {
        eprintln!("kvmrec: the recording was cut at offset {offset}; what came then is not known");
    }
    if count == 0 {
        eprintln!("kvmrec: nothing in the recording fits: {}", source.about());
    }
    Ok(ExitCode::SUCCESS)
}

/// The number of the first of the last records that the filter takes.
fn first_of_last(last: usize, source: &Source, filter: &Filter) -> u64 {
    let mut exits = Exits::of(&source.recording);
    let mut taken = VecDeque::new();
    for record in source.records("looking for the last ones") {
        if filter.part.is_past(&record) {
            break;
        }
        let exit = exits.apply(&record, |end| filter.takes_exit(&record, end, source));
        if exit.unwrap_or_else(|| filter.takes(&record, source)) {
            taken.push_back(record.sequence);
            if taken.len() > last {
                taken.pop_front();
            }
        }
    }
    taken.front().copied().unwrap_or(u64::MAX)
}
