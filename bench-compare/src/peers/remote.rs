//! Libraries of other languages, for scale: a child process that answers one request a line.
//!
//! Requests are `record ROW`, `expose SHAPE FORM`, `run THREADS ITERATIONS` and `exposition`; the
//! answers `ok` or `none`, `WALL CPU` in nanoseconds (mean and smallest over the threads), and a
//! length with that many bytes behind it.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Form, Kind, Peer, Record};
use crate::method::Timing;
use crate::scale::Program;
use crate::subject::Subject;
use crate::workload::{GAUGE_FAMILIES, Shape};

pub(super) struct Remote {
    name: &'static str,
    program: Program,
}

/// Those whose programs can be built or started here.
pub(super) fn all() -> Vec<Box<dyn Peer>> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    for (name, program) in [
        ("Go client_golang", crate::scale::go()),
        ("Python prometheus_client", crate::scale::python()),
    ] {
        match program {
            Ok(program) => peers.push(Box::new(Remote { name, program })),
            Err(error) => eprintln!("{name} is left out: {error:#}"),
        }
    }
    peers
}

impl Remote {
    fn subject(&self, request: &str) -> Option<Box<dyn Subject>> {
        match Process::start(&self.program).and_then(|mut process| {
            let answer = process.ask(request)?;
            Ok((answer == "ok").then_some(process))
        }) {
            Ok(process) => process.map(|process| {
                Box::new(RemoteSubject(Rc::new(RefCell::new(process)))) as Box<dyn Subject>
            }),
            Err(error) => {
                eprintln!("{} is left out of `{request}`: {error:#}", self.name);
                None
            }
        }
    }
}

impl Peer for Remote {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::Scale
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        self.subject(&format!("record {record:?}"))
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        let shape = match shape {
            Shape::One => "One 0".to_owned(),
            Shape::Gauges(GAUGE_FAMILIES, per_family) => format!("Gauges {per_family}"),
            Shape::Gauges(..) => return None,
            Shape::Histograms => "Histograms 0".to_owned(),
        };
        self.subject(&format!("expose {shape} {form:?}"))
    }
}

struct RemoteSubject(Rc<RefCell<Process>>);

impl Subject for RemoteSubject {
    fn time(&mut self, threads: usize, iterations: u64) -> Result<Timing> {
        let answer = self
            .0
            .borrow_mut()
            .ask(&format!("run {threads} {iterations}"))?;
        let (wall, cpu) = answer
            .split_once(' ')
            .context("the child's answer is no timing")?;
        let wall = Duration::from_nanos(wall.parse().context("the wall time is no number")?);
        let cpu = Duration::from_nanos(cpu.parse().context("the CPU time is no number")?);
        Ok(Timing {
            wall,
            cpu_share: cpu.as_secs_f64() / wall.as_secs_f64().max(1e-9),
        })
    }

    fn exposition(&mut self) -> Result<Vec<u8>> {
        let mut process = self.0.borrow_mut();
        let length = process.ask("exposition")?;
        let length = length
            .parse()
            .with_context(|| format!("`{length}` is no length"))?;
        let mut bytes = vec![0; length];
        process
            .answers
            .read_exact(&mut bytes)
            .context("the exposition is cut off")?;
        Ok(bytes)
    }
}

struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(program: &Program) -> Result<Self> {
        let mut child = program
            .command()
            .arg("bench")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the child does not start")?;
        let requests = child.stdin.take().context("the child has no input")?;
        let answers = BufReader::new(child.stdout.take().context("the child has no output")?);
        Ok(Self {
            child,
            requests,
            answers,
        })
    }

    fn ask(&mut self, request: &str) -> Result<String> {
        writeln!(self.requests, "{request}").context("the child takes no request")?;
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .context("the child gives no answer")?;
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whether it is still there or not, nothing is left to be done about it.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
