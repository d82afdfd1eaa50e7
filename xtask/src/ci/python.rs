//! Python 3 with the packages of `interop/python`, in a virtual environment of the target folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::process::Program;

/// The interpreter of the environment, which is made and filled if need be.
///
/// # Errors
/// When there is no Python 3.11 or later with venv, or pip cannot install the packages; and why.
pub fn environment(root: &Path) -> Result<PathBuf> {
    let here = env::current_exe()?;
    // target/debug/xtask -> target/python
    let target = here.parent().and_then(Path::parent).context("xtask lies in no target folder")?;
    let folder = target.join("python");
    let requirements = root.join("interop/python/requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("requirements.txt cannot be read")?;
    let python = folder.join("bin/python");
    let mark = folder.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) && python.is_file() {
        return Ok(python);
    }
    let recent = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
    if Program::new(root, &["python3", "-c", recent], 1).output().is_err() {
        bail!("there is no Python 3.11 or later with venv and pip");
    }
    let place = folder.to_string_lossy().into_owned();
    Program::new(root, &["python3", "-m", "venv", "--clear", &place], 3).check()?;
    let (program, list) = (python.to_string_lossy(), requirements.to_string_lossy());
    let words = [&program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    let words = [&words[..], &[list.as_ref()]].concat();
    Program::new(root, &words, 5).check()?;
    fs::write(mark, wanted)?;
    Ok(python)
}
