//! `kvmrec check`: whether recordings are as they were written.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kvm_mock::ReplayError;
use serde::Serialize;

use crate::paint::Paint;
use crate::source::Source;
use crate::{Done, Trouble, json};

/// Tell whether recordings are as they were written
///
/// Each is whole, or was cut, as by a process that was killed, and is good up to there; or it is damaged, and no part of
/// it is used.
///
/// Exit codes: 0 all are whole, 1 one was cut, 2 trouble, 3 one is damaged or no recording. Of several, the highest counts,
/// and all are checked even so.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recordings
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A JSON object on each line
    #[arg(long)]
    json: bool,
}

const CUT: u8 = 1;
const DAMAGED: u8 = 3;

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Whole,
    Cut,
    Damaged,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a Path,
    state: State,
    /// Where it was cut or is damaged.
    offset: Option<u64>,
    reason: Option<String>,
    records: Option<u64>,
    exits: Option<u64>,
}

pub(crate) fn run(args: &Args) -> Done {
    let mut out = io::stdout().lock();
    let mut code = 0;
    let mut trouble = None;
    for path in &args.files {
        let report = match check(path) {
            Ok(report) => report,
            // The others are checked all the same.
            Err(error) => {
                if let Some(before) = trouble.replace(error) {
                    let _ = Trouble::report(&before);
                }
                continue;
            }
        };
        code = code.max(match report.state {
            State::Whole => 0,
            State::Cut => CUT,
            State::Damaged => DAMAGED,
        });
        if args.json {
            out.write_all(json::line(&report)?.as_bytes())?;
        } else {
            writeln!(out, "{}", as_text(&report))?;
        }
    }
    match trouble {
        Some(trouble) if code != DAMAGED => Err(trouble),
        Some(trouble) => {
            let _ = trouble.report();
            Ok(ExitCode::from(code))
        }
        None => Ok(ExitCode::from(code)),
    }
}

fn check(path: &Path) -> Result<Report<'_>, Trouble> {
    let error = match Source::open(path) {
        Ok(source) => {
            let summary = source.recording.summary();
            let offset = source.recording.cut();
            let about = source.about();
            return Ok(Report {
                file: path,
                state: if offset.is_some() {
                    State::Cut
                } else {
                    State::Whole
                },
                offset,
                reason: Some(match offset {
                    None => about,
                    Some(offset) => format!("at offset {offset}; good up to there: {about}"),
                }),
                records: Some(summary.records),
                exits: Some(summary.exits),
            });
        }
        Err(Trouble::Recording { error, .. }) => error,
        Err(other) => return Err(other),
    };
    let (state, offset) = match &error {
        ReplayError::HeaderCut { offset } => (State::Cut, Some(*offset)),
        ReplayError::Damaged { offset, .. } => (State::Damaged, Some(*offset)),
        ReplayError::NotARecording => (State::Damaged, Some(0)),
        _ => {
            let path = path.to_owned();
            return Err(Trouble::Recording { path, error });
        }
    };
    Ok(Report {
        file: path,
        state,
        offset,
        reason: Some(error.to_string()),
        records: None,
        exits: None,
    })
}

fn as_text(report: &Report<'_>) -> String {
    let name = report.file.display();
    let reason = report.reason.as_deref().unwrap_or_default();
    match report.state {
        State::Whole => format!("{name}: {}: {reason}", Paint::Good.on("whole")),
        State::Cut => format!("{name}: {}: {reason}", Paint::Bad.on("cut")),
        State::Damaged => format!("{name}: {}: {reason}", Paint::Bad.on("damaged")),
    }
}
