//! `tokenkeep-sandbox [--port N] [--until-stdin-closes]`: runs a sandbox, prints one line of JSON
//! when it is ready, and ends on SIGTERM or SIGINT.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use tokenkeep_sandbox::Sandbox;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

const USAGE: &str = "\
usage: tokenkeep-sandbox [--port N] [--until-stdin-closes]

Runs the sandbox on 127.0.0.1 and prints one line of JSON when it is ready.

  --port N                the port; 0, the default, takes a free one
  --until-stdin-closes    end when standard input is closed, so that no orphan stays behind
  --help                  print this
";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    port: u16,
    until_stdin_closes: bool,
    help: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--port" => options.port = parse_port(arguments.next())?,
                "--until-stdin-closes" => options.until_stdin_closes = true,
                "--help" | "-h" => options.help = true,
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        Ok(options)
    }
}

fn parse_port(value: Option<String>) -> Result<u16, String> {
    let value = value.ok_or("--port needs a number")?;
    value.parse().map_err(|_| format!("--port needs a number up to 65535, not {value:?}"))
}

fn main() -> ExitCode {
    let options = match Options::parse(env::args().skip(1)) {
        Ok(options) => options,
        Err(complaint) => {
            eprint!("tokenkeep-sandbox: {complaint}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tokenkeep-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        // Before the ready line, so that whoever reads it may send a signal at once.
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        let sandbox = Sandbox::start_on(options.port)?;
        announce(&sandbox)?;
        wait_for_end(interrupt, terminate, options.until_stdin_closes).await;
        Ok(())
    })
}

fn announce(sandbox: &Sandbox) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", sandbox.ready())?;
    stdout.flush()
}

async fn wait_for_end(mut interrupt: Signal, mut terminate: Signal, until_stdin_closes: bool) {
    let (close, closed) = oneshot::channel();
    if until_stdin_closes {
        thread::spawn(move || {
            // A standard input that cannot be read is as good as closed.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            close.send(())
        });
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        Ok(()) = closed => {}
    }
}
