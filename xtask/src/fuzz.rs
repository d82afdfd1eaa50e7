//! `cargo xtask fuzz`: every target of `fuzz/` for some seconds.
//!
//! libFuzzer comes with a crate, so that nothing has to be installed beside a C++ compiler. With a
//! nightly toolchain AddressSanitizer watches as well; without one the targets' own checks, debug
//! assertions and overflow checks are what can fail, and the report says so.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{nightly, tree};

/// Seconds for each target unless told otherwise.
pub const SECONDS: u64 = 10;

/// What libFuzzer's choices start from in the whole job: the same everywhere, so that it fails for
/// what was changed and not by luck. Looking for what is new starts somewhere else each time.
pub const FIXED_SEED: u32 = 1;

/// Coverage for libFuzzer, which every compiler can be told to measure.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";
/// For the unsafe code below us; only the nightly compiler has it.
const SANITIZER: &str = " -Zsanitizer=address";

/// The compiler that the targets are built with.
struct Toolchain {
    host: String,
    sanitizer: bool,
}

impl Toolchain {
    /// Nightly if it is there, else the project's own.
    fn find() -> Result<Self> {
        let nightly = nightly::answer(&["--version", "--verbose"]);
        let sanitizer = nightly.is_some();
        let about = match nightly {
            Some(about) => about,
            None => own_version().context("cargo cannot be run")?,
        };
        let host = host(&about).context("`cargo --version` names no host")?.to_owned();
        Ok(Self { host, sanitizer })
    }

    fn cargo(&self) -> Command {
        let mut command = if self.sanitizer { nightly::cargo() } else { Command::new("cargo") };
        let sanitizer = if self.sanitizer { SANITIZER } else { "" };
        command.env("RUSTFLAGS", format!("{FLAGS}{sanitizer}"));
        command
    }
}

fn own_version() -> Result<String> {
    let output = Command::new("cargo").args(["--version", "--verbose"]).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Builds the targets and runs each for so many seconds; with 0, over the known inputs alone.
///
/// What was learnt stays in `fuzz/corpus`, inputs that break something in `fuzz/artifacts`. Without
/// a `seed` libFuzzer chooses one by the clock.
///
/// # Errors
/// When the targets cannot be built, or one has found something.
pub fn run(seconds: u64, seed: Option<u32>) -> Result<()> {
    let toolchain = Toolchain::find()?;
    let folder = tree::root()?.join("fuzz");
    let programs = build(&folder, &toolchain)?;
    if !toolchain.sanitizer {
        println!("fuzz: without AddressSanitizer, which needs a nightly toolchain");
    }
    let mut broken = Vec::new();
    for target in targets(&folder)? {
        if !fuzz(&folder, &programs, &target, seconds, seed)? {
            broken.push(target);
        }
    }
    if !broken.is_empty() {
        bail!("fuzz: found something: {}; the inputs are in fuzz/artifacts", broken.join(", "));
    }
    Ok(())
}

fn host(about: &str) -> Option<&str> {
    about.lines().find_map(|line| line.strip_prefix("host: "))
}

/// The targets' names, sorted.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.join("fuzz_targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("in {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all targets and says where they are.
fn build(folder: &Path, toolchain: &Toolchain) -> Result<PathBuf> {
    // Never shared with other builds: these flags would throw away what they have compiled.
    let output = match env::var_os("CARGO_TARGET_DIR") {
        Some(shared) => PathBuf::from(shared).join("fuzz"),
        None => folder.join("target"),
    };
    // A named target keeps the flags from build scripts.
    let status = toolchain
        .cargo()
        .args(["build", "--release", "--locked", "--quiet", "--target", &toolchain.host])
        .arg("--target-dir")
        .arg(&output)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(folder)
        .status()
        .context("cargo cannot be run")?;
    if !status.success() {
        bail!("nothing was fuzzed: the targets cannot be built here (see above)");
    }
    Ok(output.join(&toolchain.host).join("release"))
}

/// Runs one target; false if it has found something, which is shown.
fn fuzz(
    folder: &Path,
    programs: &Path,
    target: &str,
    seconds: u64,
    seed: Option<u32>,
) -> Result<bool> {
    let corpus = folder.join("corpus").join(target);
    let artifacts = folder.join("artifacts").join(target);
    for place in [&corpus, &artifacts] {
        fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
    }
    // 0 seconds would be for ever.
    let duration = match seconds {
        0 => "-runs=0".to_owned(),
        seconds => format!("-max_total_time={seconds}"),
    };
    let output = Command::new(programs.join(target))
        // 0 is libFuzzer's word for one of its own choice.
        .arg(format!("-seed={}", seed.unwrap_or(0)))
        .args([&duration, "-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .args(["-verbosity=0", &format!("-artifact_prefix={}/", artifacts.display())])
        .args([&corpus, &folder.join("seeds").join(target)])
        .env("ASAN_OPTIONS", "detect_odr_violation=0")
        .output()
        .with_context(|| format!("the target {target} cannot be run"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        let inputs = executed(&report).context("libFuzzer does not say what it has done")?;
        println!("fuzz: {target}: {inputs} inputs, nothing found");
        return Ok(true);
    }
    println!("{report}\nfuzz: {target}: ended with {}", output.status);
    Ok(false)
}

/// How many inputs were tried, from libFuzzer's last words.
fn executed(report: &str) -> Option<u64> {
    let count = report.lines().find_map(|l| l.strip_prefix("stat::number_of_executed_units:"))?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_declared_and_has_seeds() {
        let folder = tree::root().unwrap().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let targets = targets(&folder).unwrap();
        assert!(!targets.is_empty());
        for target in targets {
            let path = format!("path = \"fuzz_targets/{target}.rs\"");
            assert!(manifest.contains(&path), "{target}");
            let seeds = fs::read_dir(folder.join("seeds").join(&target)).unwrap().count();
            assert!(seeds > 0, "{target}");
        }
    }

    #[test]
    fn answers_of_the_tools_are_read() {
        assert_eq!(
            host("cargo 1\nhost: x86_64-unknown-linux-gnu\nos: x"),
            Some("x86_64-unknown-linux-gnu")
        );
        assert_eq!(host("cargo 1"), None);
        let report = "x\nstat::number_of_executed_units: 687088\nstat::peak_rss_mb: 1";
        assert_eq!(executed(report), Some(687_088));
        assert_eq!(executed("killed"), None);
    }
}
