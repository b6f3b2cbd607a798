//! Workload of every peer: the same names, labels and values, made without randomness.
//!
//! Only the standard library, so that the servers can include this file and stay small.

/// The buckets of every histogram, in seconds; `+Inf` comes on top.
pub const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// The methods of the labelled counter.
pub const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// The statuses of the labelled counter.
pub const STATUSES: [&str; 4] = ["200", "404", "429", "500"];

/// The names of the three labels of every exposed series.
pub const LABELS: [&str; 3] = ["method", "status", "instance"];

/// The metric of the exercise.
pub const EXERCISE: &str = "app_active_sessions";

/// Its description.
pub const EXERCISE_HELP: &str = "Number of active user sessions";

/// The unlabelled counter of the recording rows.
pub const COUNTER: &str = "bench_requests_total";

/// The unlabelled float gauge.
pub const GAUGE: &str = "bench_temperature_celsius";

/// The unlabelled gauge of whole numbers.
pub const INTEGER_GAUGE: &str = "bench_in_flight";

/// The unlabelled histogram.
pub const HISTOGRAM: &str = "bench_latency_seconds";

/// The counter by `method` and `status`.
pub const LABELLED: &str = "bench_http_requests_total";

/// The counter by `route` and `customer`.
pub const DYNAMIC: &str = "bench_route_requests_total";

/// Families in an exposition of gauges.
pub const GAUGE_FAMILIES: usize = 100;

/// Families in an exposition of histograms.
pub const HISTOGRAM_FAMILIES: usize = 10;

/// Series in each family of histograms.
pub const HISTOGRAMS_PER_FAMILY: usize = 100;

/// Content of a registry that is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The exercise's one gauge, without labels, at 45.
    One,
    /// So many families of so many float gauges each, with three labels.
    Gauges(usize, usize),
    /// 10 families of 100 histograms, 15 lines each.
    Histograms,
}

impl Shape {
    /// Sample lines in the text format.
    pub const fn lines(self) -> usize {
        match self {
            Self::One => 1,
            Self::Gauges(families, per_family) => families * per_family,
            Self::Histograms => HISTOGRAM_FAMILIES * HISTOGRAMS_PER_FAMILY * (BOUNDS.len() + 3),
        }
    }
}

/// The name of a family of gauges.
pub fn gauge_name(family: usize) -> String {
    format!("bench_queue_depth_{family:02}")
}

/// The name of a family of histograms.
pub fn histogram_name(family: usize) -> String {
    format!("bench_latency_seconds_{family:02}")
}

/// The description of every family in an exposition.
pub const HELP: &str = "How much there is of what is measured here";

/// The values of the labels `method`, `status` and `instance` of a series of a family.
pub fn labels(series: usize) -> [String; 3] {
    let method = METHODS[series % METHODS.len()];
    let status = STATUSES[series / METHODS.len() % STATUSES.len()];
    [
        method.to_owned(),
        status.to_owned(),
        format!("host-{series:04}.example.com"),
    ]
}

/// The value of a gauge: up to eight digits, two of them after the point, every fourth whole.
pub fn value(family: usize, series: usize) -> f64 {
    let digits = (family * 104_729 + series * 7_919) % 10_000_000;
    if series.is_multiple_of(4) {
        (digits / 100) as f64
    } else {
        digits as f64 / 100.0
    }
}

/// Observations of histogram `series` of a family before it is encoded.
pub fn history(family: usize, series: usize) -> impl Iterator<Item = f64> {
    let observations = observations();
    (0..64).map(move |i| observations[(family * 331 + series * 17 + i * 13) % observations.len()])
}

/// 1024 values from 0.5 ms to 10 s, uniform in their logarithm.
pub fn observations() -> [f64; 1024] {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    std::array::from_fn(|_| {
        let uniform = (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
        0.0005 * (20_000_f64.ln() * uniform).exp()
    })
}

/// In which order the 20 combinations of method and status come.
pub fn combinations() -> [(usize, usize); 1024] {
    let mut random = Random(0x1234_5678_9abc_def1);
    std::array::from_fn(|_| {
        let combination = (random.next() >> 32) as usize % (METHODS.len() * STATUSES.len());
        (combination / STATUSES.len(), combination % STATUSES.len())
    })
}

/// 1000 different pairs of run-time strings (a route and a customer), in an order of no meaning.
pub fn pairs() -> Vec<(String, String)> {
    let mut pairs: Vec<_> = (0..1000)
        .map(|i| {
            (
                format!("/api/v1/resource{}", i % 40),
                format!("customer-{:03}", i / 40),
            )
        })
        .collect();
    let mut random = Random(0x0fed_cba9_8765_4321);
    for i in (1..pairs.len()).rev() {
        pairs.swap(i, (random.next() >> 32) as usize % (i + 1));
    }
    pairs
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
