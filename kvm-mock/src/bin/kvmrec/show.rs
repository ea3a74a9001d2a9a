//! `kvmrec show`: the exits and calls of a recording, as text.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::filter::Filter;
use crate::lines::{Line, Lines};
use crate::source::Source;
use crate::{Done, Trouble, json};

/// Print exits and calls, one on a line
///
/// A line has the record's number, the time if the recording has times, the object, and what happened; exits are
/// numbered for each vCPU. Lines that are indented tell what the VMM answered to an exit, which is known at the vCPU's next
/// entry, and how much guest memory changed until the exit behind them. Fields of structures that are zero are left out, as are descriptors and addresses, which no recording
/// has.
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
    args.filter.fits(&source)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = Lines::new(&source, &args.filter, args.full || args.json);
    let mut last = Last::default();
    let mut count = 0;
    for record in source.records("reading") {
        let over = args.filter.is_past(&record) || args.first == Some(count);
        if over && !lines.awaits() {
            break;
        }
        let (answer, line) = lines.of(&record, !over);
        count += u64::from(line.is_some());
        for line in [answer, line].into_iter().flatten() {
            let text = printed(&line, args, &source)?;
            match args.last {
                None => out.write_all(text.as_bytes())?,
                Some(most) => last.keep(most, record.stream, &line, text),
            }
        }
    }
    for kept in last.0 {
        out.write_all(kept.text.as_bytes())?;
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

fn printed(line: &Line<'_>, args: &Args, source: &Source) -> Result<String, Trouble> {
    if args.json {
        return json::line(line);
    }
    Ok(line.as_text(source.recording.has_times()))
}

/// The last lines; answers are with their exits.
#[derive(Debug, Default)]
struct Last(VecDeque<Kept>);

#[derive(Debug)]
struct Kept {
    stream: Option<u32>,
    is_exit: bool,
    text: String,
}

impl Last {
    fn keep(&mut self, most: usize, stream: Option<u32>, line: &Line<'_>, text: String) {
        if line.is_answer() {
            // That of the exit that came last; it is gone if it is none of the last.
            let mut kept = self.0.iter_mut().rev();
            if let Some(kept) = kept.find(|kept| kept.is_exit && kept.stream == stream) {
                kept.text += &text;
            }
            return;
        }
        self.0.push_back(Kept {
            stream,
            is_exit: line.is_exit(),
            text,
        });
        if self.0.len() > most {
            self.0.pop_front();
        }
    }
}
