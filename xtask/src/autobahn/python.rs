//! CPython 2.7 and the suite's packages for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::child::run_to_end;

/// The folder of the packages, below the suite's.
pub(super) const PACKAGES: &str = "packages";

/// Starts the suite from the folder that is the first argument. Some packages share a namespace,
/// which Python 2 only understands in a folder that it knows as one of packages.
pub(super) const LAUNCH: &str = "import site, sys; site.addsitedir(sys.argv.pop(1)); \
    from autobahntestsuite.wstest import run; run()";

/// Checks UTF-8 and unmasks as compiled code. Without it the suite runs, but slowly.
const ACCELERATOR: &str = "wsaccel==0.6.6";

/// How long an installation may take.
const LIMIT: Duration = Duration::from_secs(8 * 60);

/// The first CPython 2.7 that has pip: named in `PYTHON27`, on the path, or one of pyenv's.
pub(super) fn find() -> Option<PathBuf> {
    let named = env::var_os("PYTHON27").map(PathBuf::from);
    let on_path = ["python2.7", "python2"].map(PathBuf::from);
    named.into_iter().chain(on_path).chain(of_pyenv()).find(|python| is_usable(python))
}

/// The interpreters that pyenv has built, whichever of them it has been told to put on the path.
fn of_pyenv() -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv"));
    let Some(versions) = root.or(home).map(|root| root.join("versions")) else { return vec![] };
    let Ok(entries) = fs::read_dir(versions) else { return vec![] };
    let ours = entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with("2.7"));
    ours.map(|entry| entry.path().join("bin/python")).collect()
}

fn is_usable(python: &Path) -> bool {
    let question = "import sys, pip; assert sys.version_info[:2] == (2, 7)";
    let mut command = Command::new(python);
    command.args(["-c", question]).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Installs the packages that `list/requirements.txt` names below `folder`, unless it has been
/// done for this very list.
pub(super) fn install(python: &Path, list: &Path, folder: &Path) -> Result<()> {
    let requirements = list.join("requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("requirements.txt cannot be read")?;
    let (packages, mark) = (folder.join(PACKAGES), folder.join("installed.txt"));
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if packages.exists() {
        fs::remove_dir_all(&packages)?;
    }
    println!("autobahn: installing the suite");
    let mut all = pip(python, &packages);
    all.arg("--no-deps").arg("--requirement").arg(&requirements);
    run_to_end(all, &folder.join("pip.log"), LIMIT)?;
    let mut accelerator = pip(python, &packages);
    accelerator.args(["--no-deps", ACCELERATOR]);
    if run_to_end(accelerator, &folder.join("pip-accelerator.log"), LIMIT).is_err() {
        println!("autobahn: {ACCELERATOR} cannot be compiled here; the suite will be slow");
    }
    fs::write(mark, wanted)?;
    Ok(())
}

fn pip(python: &Path, packages: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--disable-pip-version-check", "--target"]);
    command.arg(packages);
    command
}
