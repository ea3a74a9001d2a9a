//! headers
use std::path::{Path, PathBuf};

pub(crate) struct Tree {
    pub(crate) root: PathBuf,
}
