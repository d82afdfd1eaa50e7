//! The `rialto` command.

mod folder;
mod gallery;
mod serve;
mod signals;
mod terminal;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Rialto: Socket.IO, WebSocket and HTTP on one port.
///
/// Without a command it serves the gallery of demos, as `rialto serve` does.
#[derive(Debug, Parser)]
#[command(name = "rialto", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the gallery of demos, or a folder with Socket.IO beside it.
    Serve(serve::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = parse().unwrap_or_else(|error| error.exit());
    log_to_stderr();
    let options = match cli.command {
        Some(Command::Serve(options)) => options,
        None => cli.serve,
    };
    match serve::run(options).await {
        Ok(code) => code,
        Err(error) => {
            terminal::say(&format!("rialto: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The command line of this process.
///
/// An environment variable that is set to nothing counts as unset, as in a shell's `${PORT:-3000}`:
/// container files write `PORT=` for "no wish".
///
/// A folder that stands alone gets a hint.
fn parse() -> Result<Cli, clap::Error> {
    let matches = without_empty_variables(Cli::command()).try_get_matches().map_err(hint_at_dir)?;
    Cli::from_arg_matches(&matches)
}

fn without_empty_variables(command: clap::Command) -> clap::Command {
    let command = command.mut_args(without_empty_variable);
    command.mut_subcommands(|sub| sub.mut_args(without_empty_variable))
}

fn without_empty_variable(arg: Arg) -> Arg {
    let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if arg.get_env().is_some_and(is_empty) { arg.env(None) } else { arg }
}

/// Who gives a folder without its option means `--dir`.
fn hint_at_dir(mut error: clap::Error) -> clap::Error {
    let kind = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return error,
    };
    let Some(ContextValue::String(word)) = error.get(kind) else { return error };
    // A word that is nearly a command's name is a slip, unless there is a folder of that name.
    let slip = error.get(ContextKind::SuggestedSubcommand).is_some() && !Path::new(word).is_dir();
    if !slip && !word.starts_with('-') {
        let hint = format!("to serve a folder, write '--dir {word}'");
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// What `RUST_LOG` asks for, warnings by default; standard output is for results.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
