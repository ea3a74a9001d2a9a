//! The folder for what was downloaded.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// `$XDG_CACHE_HOME` or `~/.cache`, and our own folder in it.
pub(crate) fn dir() -> Result<PathBuf> {
    let base = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => PathBuf::from(home).join(".cache"),
        _ => bail!("neither XDG_CACHE_HOME nor HOME says where to keep downloads"),
    };
    let dir = base.join("kvm-sys-headers");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}
