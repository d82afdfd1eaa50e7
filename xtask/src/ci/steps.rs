//! The steps of `cargo xtask ci`, in order: cheap answers first.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::counts::{self, Counts};
use super::process::Program;
use super::{Run, licences, machine, python};
use crate::{autobahn, client as bundles, fuzz, tidy};

/// One step.
#[derive(Debug)]
pub struct Step {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Does it.
    pub run: fn(&mut Run) -> Result<()>,
    /// Whether those behind it make no sense without it.
    pub needed: bool,
}

const fn step(name: &'static str, title: &'static str, run: fn(&mut Run) -> Result<()>) -> Step {
    Step { name, title, run, needed: false }
}

const fn needed(step: Step) -> Step {
    Step { needed: true, ..step }
}

/// Every step, in the order in which they run.
///
/// Flags for the compiler are the same in all of them, so that nothing is built twice: lints are
/// denied behind clippy's `--`, and for docs by `RUSTDOCFLAGS`, which leaves the crates alone.
pub const ALL: &[Step] = &[
    needed(step("install", "what the tests need beyond Rust and Node", install)),
    step("fmt", "the formatting of every Rust file", fmt),
    step("tidy", "module arrows, sizes, docs, leftovers, unsafe code, links", tidy_step),
    step("licences", "licences of everything that is compiled", check_licences),
    step("deny", "cargo deny: advisories, bans, licences, sources", deny),
    step("clippy", "lints, denied", clippy),
    step("docs", "the reference pages, warnings denied", docs),
    needed(step("build", "the programs that the tests start", build)),
    step("test", "unit tests, integration tests, doc tests", test),
    step("bench", "the benchmark: its own tests, and a short run of ours and the floors", bench),
    step("fuzz", "each fuzz target for ten seconds", fuzz_step),
    step("client", "the browser client: its bundles are fresh, its tests pass under Node", client),
    step("reference", "the interoperability tests against Node's own server", reference),
    step("autobahn", "the Autobahn suite, our WebSocket server and client", autobahn_step),
    step("interop", "npm's clients and a browser against our servers", interop),
    step("workers", "a part of the tests against servers with a runtime per core", workers),
    step(
        "python",
        "Python's websockets and python-socketio against our server and our client",
        python_step,
    ),
];

fn cargo(run: &Run, words: &[&str], minutes: u64) -> Program {
    let all: Vec<&str> = std::iter::once("cargo").chain(words.iter().copied()).collect();
    Program::new(&run.root, &all, minutes)
}

fn install(run: &mut Run) -> Result<()> {
    machine::components(&run.root)?;
    machine::node(&run.root)?;
    machine::browser(&run.root)?;
    machine::packages(&run.root.join("web/client"))?;
    machine::packages(&run.root.join("interop/js"))
}

fn fmt(run: &mut Run) -> Result<()> {
    cargo(run, &["fmt", "--all", "--check", "--", "--color=never"], 2).check()
}

fn tidy_step(_run: &mut Run) -> Result<()> {
    tidy::run()
}

fn check_licences(run: &mut Run) -> Result<()> {
    let deny = std::fs::read_to_string(run.root.join("deny.toml")).context("deny.toml")?;
    // The last bar sets apart the mark with which cargo abbreviates what it has listed before.
    let words = ["--edges=all", "--target=all", "--prefix=none", "--format={p}|{l}|"];
    let words = [&["tree", "--workspace", "--locked"][..], &words].concat();
    let tree = cargo(run, &words, 3).output()?;
    let packages = licences::check(&tree, &licences::allowed(&deny)?)?;
    println!("{packages} packages, every licence allowed by deny.toml");
    Ok(())
}

fn deny(run: &mut Run) -> Result<()> {
    let Some(tool) = machine::cargo_deny(&run.root) else {
        run.note("known vulnerabilities: cargo-deny is not here and could not be installed");
        return Ok(());
    };
    let tool = tool.to_string_lossy().into_owned();
    let deny = |words: &[&str]| {
        let words: Vec<&str> = [&[tool.as_str()], words].concat();
        Program::new(&run.root, &words, 3).env("GIT_TERMINAL_PROMPT", "0").check()
    };
    // The list of advisories is a git repository, which not every network reaches.
    if deny(&["fetch", "db"]).is_ok() {
        return deny(&["check"]);
    }
    let outcome = deny(&["check", "bans", "licenses", "sources"]);
    run.note("known vulnerabilities: the list of advisories cannot be fetched from here");
    outcome
}

fn clippy(run: &mut Run) -> Result<()> {
    let words = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    cargo(run, &words, 12).check()
}

fn docs(run: &mut Run) -> Result<()> {
    let words = ["doc", "--workspace", "--no-deps", "--locked"];
    cargo(run, &words, 8).env("RUSTDOCFLAGS", "-D warnings").check()
}

/// Debug builds: they share everything with the tests, and overflow checks are on.
fn build(run: &mut Run) -> Result<()> {
    cargo(run, &["build", "--workspace", "--bins", "--locked"], 12).check()
}

fn test(run: &mut Run) -> Result<()> {
    let words = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let program = cargo(run, &words, 15).counted_by(counts::cargo);
    conclude(run, program.run())
}

/// The peers are not built here: they depend on nothing of ours, and their versions are fixed.
fn bench(run: &mut Run) -> Result<()> {
    // Beside our own build, which has compiled most of what is needed.
    let target = env::current_exe()?.ancestors().nth(2).map(Path::to_owned);
    let target = target.context("where is the target folder?")?;
    let folder = run.root.join("bench");
    let cargo = |words: &[&str]| {
        let words = [&["cargo"], words].concat();
        Program::new(&folder, &words, 12).env("CARGO_TARGET_DIR", &target)
    };
    let with_packages = |word: &'static str| {
        cargo(&[word, "--package=rialto-bench", "--package=bench-harness", "--locked"])
    };
    cargo(&["fmt", "--all", "--check", "--", "--color=never"]).check()?;
    with_packages("build").check()?;
    conclude(run, with_packages("test").counted_by(counts::cargo).run())?;
    let program = target.join("debug/bench").to_string_lossy().into_owned();
    for suite in ["websocket", "socketio"] {
        Program::new(&folder, &[&program, suite, "--smoke"], 3).check()?;
    }
    Ok(())
}

/// Targets are built here, in a folder of their own, and start from a fixed seed: see [`fuzz`].
fn fuzz_step(run: &mut Run) -> Result<()> {
    if !machine::on_path("c++") && !machine::on_path("g++") {
        run.note("fuzzing: there is no C++ compiler for libFuzzer");
        return Ok(());
    }
    fuzz::run(fuzz::SECONDS, Some(fuzz::FIXED_SEED))
}

fn client(run: &mut Run) -> Result<()> {
    bundles::run(true)?;
    node_tests(run, "web/client", &[], |program| program)
}

/// What the tests expect is what Node's own packages do: this run holds them to it.
fn reference(run: &mut Run) -> Result<()> {
    node_tests(run, "interop/js", OURS_ALONE, |program| program.env("SUBJECT", "reference"))
}

/// Groups 1 to 10 and a slice of 12 and 13; `cargo xtask autobahn` runs every case.
fn autobahn_step(run: &mut Run) -> Result<()> {
    let suite = match autobahn::Suite::find() {
        Ok(suite) => suite,
        Err(error) => {
            run.note(format!("Autobahn: {error:#}"));
            return Ok(());
        }
    };
    let programs = built("ws-echo")?;
    let programs = programs.parent().context("the programs lie in no folder")?;
    let reports = suite.run(programs, autobahn::QUICK)?;
    for report in &reports {
        let (passed, failed) = (report.good() as u64, report.broken() as u64);
        run.add(Counts { passed, failed, skipped: 0 })?;
    }
    autobahn::conclude(&reports)
}

/// Tests of what Node's server does not have, and one that has both sides in it.
const OURS_ALONE: &[&str] = &["differential.test.mjs", "gallery.test.mjs", "secure.test.mjs"];

fn interop(run: &mut Run) -> Result<()> {
    let browser = machine::browser(&run.root)?;
    let contract_server = built("contract-server")?;
    let rialto = built("rialto")?;
    node_tests(run, "interop/js", &[], |program| {
        program
            .env("SUBJECT", "rialto")
            .env("CONTRACT_SERVER", contract_server)
            .env("RIALTO_BIN", rialto)
            .env("CHROMIUM", browser)
    })
}

/// Tests that say most about what runs on which core; those that stop the clock cannot be among
/// them, since each worker has its own.
const ON_WORKERS: (&[&str], &[&str]) = (
    &[
        "api",
        "delivery",
        "handlers",
        "http2",
        "order",
        "pressure",
        "recovery",
        "revision3",
        "suspended",
        "traps",
        "upgraded",
    ],
    &["acks", "connect", "disconnect", "engine", "events", "recovery", "rooms", "upgrade"],
);

fn workers(run: &mut Run) -> Result<()> {
    let (ours, npm) = ON_WORKERS;
    let mut words = vec!["test", "--workspace", "--locked", "--no-fail-fast"];
    words.extend(ours.iter().flat_map(|name| ["--test", name]));
    let program = cargo(run, &words, 10).env("RIALTO_TEST_WORKERS", "3");
    conclude(run, program.counted_by(counts::cargo).run())?;
    let contract_server = built("contract-server")?;
    let files = npm.iter().map(|name| PathBuf::from(format!("{name}.test.mjs"))).collect();
    node_test_files(run, "interop/js", files, |program| {
        program.env("CONTRACT_WORKERS", "3").env("CONTRACT_SERVER", contract_server)
    })
}

fn python_step(run: &mut Run) -> Result<()> {
    let python = match python::environment(&run.root) {
        Ok(python) => python.to_string_lossy().into_owned(),
        Err(error) => {
            run.note(format!("Python's websockets and python-socketio: {error:#}"));
            return Ok(());
        }
    };
    let echo = built("ws-echo")?;
    let peers = echo.parent().context("the programs lie in no folder")?;
    let folder = run.root.join("interop/python");
    built("contract-server")?;
    for tests in ["websockets_test.py", "socketio_test.py"] {
        let program = Program::new(&folder, &[&python, tests], 5);
        conclude(run, program.env("PEERS", peers).counted_by(counts::node).run())?;
    }
    Ok(())
}

/// Runs every `*.test.mjs` of a folder but those `without`. Node's own search for tests differs
/// between its versions.
fn node_tests(
    run: &mut Run,
    folder: &str,
    without: &[&str],
    prepare: impl FnOnce(Program) -> Program,
) -> Result<()> {
    let mut files = Vec::new();
    find_tests(&run.root.join(folder), Path::new(""), &mut files)?;
    files.retain(|file| !without.iter().any(|name| file.ends_with(name)));
    if files.is_empty() {
        bail!("{folder} holds no *.test.mjs");
    }
    files.sort();
    node_test_files(run, folder, files, prepare)
}

fn node_test_files(
    run: &mut Run,
    folder: &str,
    files: Vec<PathBuf>,
    prepare: impl FnOnce(Program) -> Program,
) -> Result<()> {
    let folder = run.root.join(folder);
    let words = ["node", "--test", "--test-reporter=spec", "--test-concurrency=2"];
    let program = Program::new(&folder, &words, 12).args(&files).counted_by(counts::node);
    // Colours would stand before the words that are counted.
    let program = program.env("NO_COLOR", "1");
    conclude(run, prepare(program).run())
}

fn find_tests(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let here = root.join(folder);
    let entries =
        std::fs::read_dir(&here).with_context(|| format!("cannot read {}", here.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let path = folder.join(&name);
        if entry.file_type()?.is_dir() && name != "node_modules" {
            find_tests(root, &path, found)?;
        } else if name.to_string_lossy().ends_with(".test.mjs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The counts first: a run that failed has them too.
fn conclude(run: &mut Run, (counts, outcome): (Counts, Result<()>)) -> Result<()> {
    let added = run.add(counts);
    outcome?;
    added
}

/// A program that `build` made: it stands beside this one, wherever the target folder is.
fn built(name: &str) -> Result<PathBuf> {
    let here = env::current_exe()?;
    let path = here.with_file_name(name);
    if !path.is_file() {
        bail!("{} is missing; run the step `build` first", path.display());
    }
    Ok(path)
}
