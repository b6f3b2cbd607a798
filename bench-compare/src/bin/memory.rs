//! The memory that one peer takes for a number of families with a number of series each. A process of its own, with an
//! allocator that counts.
//!
//! Prints heap bytes, allocations, resident bytes and resident bytes after a scrape per series; then,
//! if the peer can write in chunks, the peak in MiB of such a scrape of 1 000 000 series over the
//! registry's own memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Context as _, Result, bail};
use bench_compare::peers::{Form, local};
use bench_compare::workload::{GAUGE_FAMILIES, Shape};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// That are live.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

fn count(size: usize) {
    let live = LIVE.fetch_add(size, Relaxed) + size;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call is passed to the system's allocator as it came, so whatever the callers promise
// and whatever they are promised is between them and it; counting touches no memory of theirs.
#[allow(unsafe_code, reason = "an allocator can't be written otherwise")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        count(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        count(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATIONS.fetch_sub(1, Relaxed);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise about `pointer` and `layout` is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size(), Relaxed);
        count(new_size);
        // SAFETY: the caller's promise about `pointer`, `layout` and `new_size` is passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<()> {
    let name = std::env::args()
        .nth(1)
        .context("the peer's name is missing")?;
    let Some(peer) = local().into_iter().find(|peer| peer.name() == name) else {
        bail!("there is no peer `{name}`")
    };
    let mut numbers = std::env::args().skip(2).map(|number| number.parse());
    let (Some(families), Some(per_family)) = (numbers.next(), numbers.next()) else {
        bail!("the numbers of families and of series in each are missing")
    };
    let shape = Shape::Gauges(families?, per_family?);
    let (heap, allocations, rss) = (LIVE.load(Relaxed), ALLOCATIONS.load(Relaxed), resident()?);
    let Some(mut subject) = peer.expose(shape, Form::Text) else {
        return Ok(());
    };
    let series = shape.lines() as f64;
    let per_series = |bytes: usize| bytes as f64 / series;
    println!("{:.2}", per_series(LIVE.load(Relaxed).saturating_sub(heap)));
    println!(
        "{:.2}",
        (ALLOCATIONS.load(Relaxed) - allocations) as f64 / series
    );
    println!("{:.2}", per_series(resident()?.saturating_sub(rss)));
    // The buffer stays, as it does where scrapes go on.
    subject.time(1, 1)?;
    println!("{:.2}", per_series(resident()?.saturating_sub(rss)));
    drop(subject);

    if shape.lines() < 100_000 {
        return Ok(());
    }
    if let Some(mut scrape) = peer.scrape_in_chunks(Shape::Gauges(GAUGE_FAMILIES, 10_000)) {
        scrape();
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        scrape();
        println!(
            "{:.3}",
            (PEAK.load(Relaxed) - before) as f64 / f64::from(1 << 20)
        );
    }
    Ok(())
}

/// Resident bytes of this process.
fn resident() -> Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").context("there is no /proc")?;
    let pages = statm
        .split(' ')
        .nth(1)
        .context("`/proc/self/statm` has no second figure")?;
    Ok(pages.parse::<usize>()? * rustix::param::page_size())
}
