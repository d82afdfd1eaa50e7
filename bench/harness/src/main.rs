//! `bench`: compares servers by the CPU time of each message. Run it with `--help`.

use anyhow::{Context, Result, bail};
use bench_harness::report;
use bench_harness::run::{self, Asked, Options};
use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match go() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn go() -> Result<()> {
    let options = match run::parse(lexopt::Parser::from_env())? {
        Asked::Run(options) => *options,
        Asked::Text(text) => {
            println!("{text}");
            return Ok(());
        }
    };
    check_open_files(&options)?;
    for reason in &options.missing {
        eprintln!("not measured: {reason}");
    }
    let mut file = options.rows.as_ref().map(File::create).transpose().context("--rows")?;
    let rows = run::all(&options, |row| {
        if let Some(file) = &mut file {
            writeln!(file, "{}", report::line(row)).context("--rows")?;
        }
        Ok(())
    })?;
    if !options.smoke {
        println!("{}", report::tables(&rows, &options));
    }
    if let Some(folder) = &options.out {
        report::write(folder, &rows, &options).context("--out")?;
    }
    let failed = rows.iter().filter(|row| row.outcome.is_err()).count();
    if failed > 0 {
        bail!("{failed} of {} runs failed", rows.len());
    }
    eprintln!("{} runs, none failed", rows.len());
    Ok(())
}

/// Clients and server have as many files open as there are connections, each in its process.
fn check_open_files(options: &Options) -> Result<()> {
    let most = options.scenarios.iter().map(run::Scenario::connections).max();
    let most = most.unwrap_or(0).min(options.most_connections) as u64;
    let limit = run::raise_open_files(most + 64);
    if limit < most + 64 {
        bail!("{limit} files may be open and {most} connections are asked for; see --connections");
    }
    Ok(())
}
