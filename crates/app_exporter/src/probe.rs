//! `/probe`: sources that are asked about the targets of requests.
//!
//! What can be reached is what the configuration allows. What is kept for a target is shared by its requests, bounded, and
//! dropped when it is not used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::server::{ProbeQuery, ProbeRefusal};
use exporter_kit::source::Sources;
use exporter_kit::{Counter, Family, Gauge, RegisterError, Registry};
use tokio::runtime::Handle;

use crate::config::instead;
use crate::setup::{SourceTemplate, shown_target};
use crate::sources::memory::Memory;

/// The largest number of targets in memory. Beyond it, the least recently used one is dropped.
const MOST_KEPT: usize = 1000;
/// The time after which an unused target is dropped.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// The interval at which unused targets are searched.
const SWEEP: Duration = Duration::from_secs(60);

/// The reasons for which a probe is rejected, as label values of the counter.
const REASONS: [&str; 4] = [REQUEST, SOURCE, TARGET, BUILD];
const REQUEST: &str = "request";
const SOURCE: &str = "source";
const TARGET: &str = "target";
const BUILD: &str = "build";

/// Finds what requests ask about.
pub(crate) struct Prober {
    runtime: Handle,
    memory: Memory,
    state: Mutex<State>,
    refusals: Family<Counter, 1>,
    targets: Gauge,
}

#[derive(Default)]
struct State {
    templates: BTreeMap<String, Arc<SourceTemplate>>,
    kept: HashMap<Key, ProbedTarget>,
}

/// The name of a source, and a target.
type Key = (String, String);

/// The state that requests for one target share: the run of its source, its cache, its counts.
struct ProbedTarget {
    handler: MetricsHandler,
    template: Arc<SourceTemplate>,
    used: Instant,
}

/// A refusal and the reason that is counted.
type Refused = (&'static str, ProbeRefusal);

impl Prober {
    /// Makes it, and forgets idle targets in that runtime until it is dropped.
    ///
    /// # Errors
    /// When its metrics can't be registered.
    pub(crate) fn start(
        templates: Vec<SourceTemplate>,
        registry: &Registry,
        runtime: &Handle,
        memory: &Memory,
    ) -> Result<Arc<Self>, RegisterError> {
        let refusals = Counter::define(
            "app_exporter_probe_refusals_total",
            "Requests for /probe that were refused, by what was wrong.",
        );
        let refusals = registry.add(refusals.labels(["reason"]))?;
        for reason in REASONS {
            refusals.with([reason]);
        }
        let prober = Arc::new(Self {
            runtime: runtime.clone(),
            memory: memory.clone(),
            state: Mutex::default(),
            refusals,
            targets: registry.gauge(
                "app_exporter_probe_targets",
                "Targets of /probe that were requested recently.",
            )?,
        });
        prober.replace(templates);
        let sweeping = Arc::downgrade(&prober);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                match sweeping.upgrade() {
                    Some(prober) => prober.forget_idle(Instant::now()),
                    None => return,
                }
            }
        });
        Ok(prober)
    }

    /// Makes these the templates. Targets of those that did not change are kept.
    pub(crate) fn replace(&self, templates: Vec<SourceTemplate>) {
        let named = |it: SourceTemplate| (it.name().to_owned(), Arc::new(it));
        let templates: BTreeMap<_, _> = templates.into_iter().map(named).collect();
        self.change(|state| {
            state.templates = templates;
            let templates = &state.templates;
            state
                .kept
                .extract_if(|(name, _), kept| {
                    let same = templates.get(name).map(|it| it.is_same(&kept.template));
                    same != Some(true)
                })
                .collect()
        });
    }

    /// Finds the handler for a request: it answers with the metrics of the target, and the health of the source for it.
    ///
    /// # Errors
    /// When it names no source, or no target that is allowed.
    pub(crate) fn choose(&self, query: &ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> {
        self.find(query).map_err(|(reason, refusal)| {
            self.refusals.with([reason]).inc();
            refusal
        })
    }

    fn find(&self, query: &ProbeQuery) -> Result<MetricsHandler, Refused> {
        let one = |name| query.one(name).map_err(|refusal| (REQUEST, refusal));
        let (name, target) = (one("source")?, one("target")?);
        let key = (name.to_owned(), target.to_owned());
        let template = {
            let mut state = self.state();
            let template = state.templates.get(name).map(Arc::clone);
            let template = template.ok_or_else(|| unknown(name, &state.templates))?;
            let allowed = template.allow(target);
            allowed.map_err(|message| (TARGET, ProbeRefusal::forbidden(message)))?;
            if let Some(kept) = state.kept.get_mut(&key) {
                kept.used = Instant::now();
                return Ok(kept.handler.clone());
            }
            template
        };
        let handler = self.make(&template, target).map_err(|message| {
            let target = shown_target(target);
            let text = format!("cannot probe `{target}` with the source `{name}`: {message}");
            (BUILD, ProbeRefusal::unavailable(text))
        })?;
        Ok(self.keep(key, template, handler))
    }

    fn make(&self, template: &SourceTemplate, target: &str) -> Result<MetricsHandler, String> {
        let spec = template.build(target, &crate::environment::variable);
        let spec = spec.map_err(|fault| fault.message)?;
        let builder = Sources::builder("app_exporter").memory_limit(self.memory.held().clone());
        let sources = builder.start(&self.runtime).map_err(|it| it.to_string())?;
        sources.replace(vec![spec]).map_err(|it| it.to_string())?;
        let registry = Registry::new();
        let registered = registry.register(sources);
        registered.map_err(|error| error.to_string())?;
        Ok(MetricsHandler::new(&registry))
    }

    /// Keeps what was made, unless another request was faster or the configuration is another by now.
    fn keep(
        &self,
        key: Key,
        template: Arc<SourceTemplate>,
        handler: MetricsHandler,
    ) -> MetricsHandler {
        let mut chosen = handler.clone();
        self.change(|state| {
            let current = state.templates.get(&key.0);
            if !current.is_some_and(|current| Arc::ptr_eq(current, &template)) {
                return Vec::new();
            }
            let mut gone = Vec::new();
            if state.kept.len() >= MOST_KEPT && !state.kept.contains_key(&key) {
                let oldest = state.kept.iter().min_by_key(|(_, kept)| kept.used);
                let oldest = oldest.map(|(key, _)| key.clone());
                gone.extend(oldest.and_then(|key| state.kept.remove_entry(&key)));
            }
            let used = Instant::now();
            let kept = state.kept.entry(key).or_insert(ProbedTarget {
                handler,
                template,
                used,
            });
            chosen = kept.handler.clone();
            gone
        });
        chosen
    }

    fn forget_idle(&self, now: Instant) {
        self.change(|state| {
            let idle = |kept: &ProbedTarget| now.saturating_duration_since(kept.used);
            let kept = &mut state.kept;
            kept.extract_if(|_, kept| idle(kept) > IDLE.max(kept.template.keeps()))
                .collect()
        });
    }

    /// Changes the state; what that takes out of it ends outside the lock.
    fn change(&self, change: impl FnOnce(&mut State) -> Vec<(Key, ProbedTarget)>) {
        let mut state = self.state();
        let gone = change(&mut state);
        let count = state.kept.len();
        #[allow(clippy::cast_precision_loss, reason = "there are at most a thousand")]
        self.targets.set(count as f64);
        drop(state);
        drop(gone);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(name: &str, templates: &BTreeMap<String, Arc<SourceTemplate>>) -> Refused {
    let names = templates.keys().map(String::as_str);
    let text = format!(
        "no source named `{}` has a `probe`{}",
        shown_target(name),
        instead(name, names)
    );
    (SOURCE, ProbeRefusal::not_found(text))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::setup::{Config, Files, build};

    fn templates(text: &str) -> Vec<SourceTemplate> {
        let files = Files::of_text(Path::new("a.yml"), text);
        let config = Config::parse(&files, &|_| None).unwrap();
        build(config, &|_| None, &Memory::default())
            .unwrap()
            .templates
    }

    const CONFIG: &str = "sources:\n  a:\n    probe: {targets: ['*']}\n    \
        file: {path: '${target}', format: number}\n    metrics: [{name: app_a, help: A number.}]\n";

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.build().unwrap()
    }

    fn start(runtime: &Handle) -> Arc<Prober> {
        Prober::start(
            templates(CONFIG),
            &Registry::new(),
            runtime,
            &Memory::default(),
        )
        .unwrap()
    }

    fn ask(prober: &Prober, target: &str) {
        let template = prober.state().templates.get("a").cloned().unwrap();
        let key = ("a".to_owned(), target.to_owned());
        let handler = prober.make(&template, target).unwrap();
        prober.keep(key, template, handler);
    }

    #[test]
    fn what_is_kept_is_bounded_and_forgotten() {
        let runtime = runtime();
        let prober = start(runtime.handle());
        for number in 0..MOST_KEPT + 3 {
            ask(&prober, &number.to_string());
        }
        assert_eq!(prober.targets.get(), MOST_KEPT as f64);
        let kept = |target: usize| {
            let key = ("a".to_owned(), target.to_string());
            prober.state().kept.contains_key(&key)
        };
        assert!(!kept(0) && !kept(2) && kept(3) && kept(MOST_KEPT + 2));
        prober.forget_idle(Instant::now() + IDLE / 2);
        assert_eq!(prober.targets.get(), MOST_KEPT as f64);
        prober.forget_idle(Instant::now() + IDLE * 2);
        assert_eq!(prober.targets.get(), 0.0);
    }

    #[test]
    fn a_target_outlives_the_reload_that_does_not_change_it() {
        let runtime = runtime();
        let prober = start(runtime.handle());
        ask(&prober, "x");
        prober.replace(templates(CONFIG));
        assert_eq!(prober.targets.get(), 1.0);
        prober.replace(templates(&CONFIG.replace("'*'", "'*', '-'")));
        assert_eq!(prober.targets.get(), 0.0);
    }
}
