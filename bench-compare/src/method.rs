//! Method: peers take turns sample by sample, a sample whose thread lost its CPU is taken again, and the median of
//! the rounds is the figure.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

use crate::subject::{Job, Subject};

/// A sample lasts at least this long.
pub const SAMPLE: Duration = Duration::from_millis(50);

/// A thread that had the CPU for less of a sample than this was interrupted.
const CPU_SHARE: f64 = 0.97;

/// Retakes of a peer's disturbed samples in a row of that many rounds. Samples that stay disturbed are kept and counted,
/// so that a busy machine makes a run worse but not endless.
const fn retakes(rounds: usize) -> usize {
    1 + rounds
}

/// Time of one sample, for each thread.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Mean over the threads.
    pub wall: Duration,
    /// The smallest share of the wall time in which a thread had its CPU, 0 to 1.
    pub cpu_share: f64,
}

/// The rounds of one row for one peer.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Nanoseconds per operation, one a round.
    pub values: Vec<f64>,
    /// Samples kept although they were disturbed.
    pub disturbed: usize,
}

impl Samples {
    /// The middle value, or the mean of the two middle ones.
    pub fn median(&self) -> f64 {
        median(&self.values)
    }
}

/// The middle value, or the mean of the two middle ones; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Takes `rounds` samples of every subject, in turns; the first of a round is another one each time.
pub fn interleave(
    subjects: &mut [Box<dyn Subject>],
    threads: usize,
    rounds: usize,
) -> Result<Vec<Samples>> {
    let mut iterations = Vec::new();
    for subject in subjects.iter_mut() {
        iterations.push(calibrate(subject.as_mut(), threads)?);
    }
    let mut all = vec![Samples::default(); subjects.len()];
    let mut retakes = vec![retakes(rounds); subjects.len()];
    for round in 0..rounds {
        for turn in 0..subjects.len() {
            let i = (round + turn) % subjects.len();
            let (value, disturbed) = sample(
                subjects[i].as_mut(),
                threads,
                &mut iterations[i],
                &mut retakes[i],
            )?;
            all[i].values.push(value);
            all[i].disturbed += usize::from(disturbed);
        }
    }
    Ok(all)
}

/// Operations that make a sample long enough.
fn calibrate(subject: &mut dyn Subject, threads: usize) -> Result<u64> {
    let mut iterations = 1;
    loop {
        let timing = subject.time(threads, iterations)?;
        subject.settle();
        if timing.wall * 8 >= SAMPLE {
            return Ok(scaled(iterations, timing.wall));
        }
        iterations *= 4;
    }
}

fn scaled(iterations: u64, wall: Duration) -> u64 {
    let factor = 1.2 * SAMPLE.as_secs_f64() / wall.as_secs_f64();
    ((iterations as f64 * factor).ceil() as u64).max(1)
}

/// One sample in nanoseconds per operation, and whether it was disturbed to the end.
fn sample(
    subject: &mut dyn Subject,
    threads: usize,
    iterations: &mut u64,
    retakes: &mut usize,
) -> Result<(f64, bool)> {
    let mut best: Option<(f64, Timing)> = None;
    loop {
        let timing = subject.time(threads, *iterations)?;
        subject.settle();
        if timing.wall < SAMPLE {
            *iterations = scaled(*iterations, timing.wall).max(*iterations + 1);
            continue;
        }
        let value = timing.wall.as_nanos() as f64 / *iterations as f64;
        if timing.cpu_share >= CPU_SHARE {
            return Ok((value, false));
        }
        match best {
            Some((_, kept)) if kept.cpu_share >= timing.cpu_share => {}
            _ => best = Some((value, timing)),
        }
        if let (Some((value, _)), 0) = (best, *retakes) {
            return Ok((value, true));
        }
        *retakes -= 1;
    }
}

/// Two threads that live as long as the program: what is measured is threads that go on recording,
/// not threads that are born and die.
pub struct Workers {
    tasks: Vec<Sender<Task>>,
    timings: Receiver<Timing>,
}

struct Task {
    job: Job,
    iterations: u64,
    start: Arc<Barrier>,
}

impl Workers {
    /// Starts `threads` threads.
    pub fn new(threads: usize) -> Self {
        let (done, timings) = channel();
        let tasks = (0..threads)
            .map(|_| {
                let (sender, receiver) = channel::<Task>();
                let done = done.clone();
                std::thread::spawn(move || {
                    for task in receiver {
                        let timing = work(&task);
                        drop(task);
                        if done.send(timing).is_err() {
                            return;
                        }
                    }
                });
                sender
            })
            .collect();
        Self { tasks, timings }
    }

    /// Has the first `threads` threads each run `iterations` operations, beginning together.
    pub fn time(&self, job: &Job, threads: usize, iterations: u64) -> Result<Timing> {
        let start = Arc::new(Barrier::new(threads));
        for sender in &self.tasks[..threads] {
            let task = Task {
                job: Arc::clone(job),
                iterations,
                start: Arc::clone(&start),
            };
            sender
                .send(task)
                .ok()
                .context("a worker thread ended early")?;
        }
        let mut total = Timing {
            wall: Duration::ZERO,
            cpu_share: 1.0,
        };
        for _ in 0..threads {
            let timing = self.timings.recv().context("a worker thread ended early")?;
            total.wall += timing.wall / threads as u32;
            total.cpu_share = total.cpu_share.min(timing.cpu_share);
        }
        Ok(total)
    }
}

fn work(task: &Task) -> Timing {
    task.start.wait();
    let cpu = thread_cpu_time();
    let wall = Instant::now();
    (task.job)(task.iterations);
    let wall = wall.elapsed();
    let cpu = thread_cpu_time().saturating_sub(cpu);
    Timing {
        wall,
        cpu_share: cpu.as_secs_f64() / wall.as_secs_f64().max(1e-9),
    }
}

fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as long as it says, and loses its CPU the first few times.
    struct Fake {
        lost: usize,
    }

    impl Subject for Fake {
        fn time(&mut self, _: usize, iterations: u64) -> Result<Timing> {
            let wall = Duration::from_nanos(iterations * 1000);
            let lost = self.lost > 0 && wall >= SAMPLE;
            self.lost -= usize::from(lost);
            let slower = if lost { 2 } else { 1 };
            Ok(Timing {
                wall: wall * slower,
                cpu_share: 1.0 / f64::from(slower),
            })
        }

        fn exposition(&mut self) -> Result<Vec<u8>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn takes_disturbed_samples_again() {
        let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(Fake { lost: 3 })];
        let samples = interleave(&mut subjects, 1, 3).unwrap();
        assert_eq!(samples[0].values, [1000.0; 3]);
        assert_eq!(samples[0].disturbed, 0);
    }

    #[test]
    fn keeps_and_counts_what_stays_disturbed() {
        let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(Fake { lost: 1000 })];
        let samples = interleave(&mut subjects, 1, 3).unwrap();
        assert_eq!(samples[0].disturbed, 3);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
