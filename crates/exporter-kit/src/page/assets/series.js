// What has been seen: families, their series, and the history of each.

const POINTS = 120;
const CUMULATIVE = new Set(['counter', 'histogram', 'summary']);
const DISTRIBUTIONS = new Set(['histogram', 'gaugehistogram']);

class Series {
  constructor(family, labels) {
    this.family = family;
    this.labels = labels;
    this.hay = labels.map(([name, text]) => `${name}=${text}`).join(' ').toLowerCase();
    this.value = NaN;
    this.sum = NaN;
    this.bounds = [];
    this.counts = [];
    this.states = [];
    this.history = new Float64Array(POINTS).fill(NaN);
    this.halved = -1;
    this.seen = 0;
    // Since the page saw it first.
    this.change = 0;
    this.moved = 0;
    this.total = 0;
  }

  // The number that is sorted by and drawn.
  level() {
    return this.family.type === 'stateset' ? this.states.indexOf(true) : this.value;
  }

  rate(now) {
    return now > this.since ? (this.total / (now - this.since)) * 1000 : 0;
  }

  // Takes the value of this refresh into the history.
  commit(store, now) {
    if (this.halved < 0) {
      this.halved = store.halved;
      this.since = now;
      this.first = this.level();
      this.last = this.first;
    }
    for (; this.halved < store.halved; this.halved += 1) halve(this.history);
    const level = this.level();
    if (this.family.cumulative) {
      // A counter that falls began anew.
      this.total += level >= this.last ? level - this.last : level || 0;
      this.change = this.total;
    } else {
      this.change = level - this.first || 0;
    }
    this.history[store.times.length - 1] = this.family.cumulative ? this.total : level;
    this.last = level;
    const size = Math.max(Math.abs(this.first), Math.abs(level));
    this.moved = this.change && Number.isFinite(size) ? Math.abs(this.change) / size : 0;
  }
}

// Every second point makes room for as many new ones.
function halve(points) {
  for (let i = 0; i < POINTS / 2; i += 1) points[i] = points[2 * i];
  points.fill(NaN, POINTS / 2);
}

class Family {
  constructor(name, type) {
    this.name = name;
    this.title = name;
    this.type = type;
    this.cumulative = CUMULATIVE.has(type);
    this.distribution = DISTRIBUTIONS.has(type);
    this.help = '';
    this.unit = '';
    this.series = [];
    this.next = [];
    this.byLabels = new Map();
    this.seen = 0;
  }

  // Once all is known that is said before the samples.
  get measure() {
    this.measured ??= unitOf(this);
    return this.measured;
  }

  get hay() {
    this.text ??= `${this.title} ${this.help} ${this.type} ${this.unit}`.toLowerCase();
    return this.text;
  }
}

class Store {
  constructor() {
    this.families = new Map();
    // What each line's beginning stands for, so that it is understood once.
    this.heads = new Map();
    this.times = [];
    this.halved = 0;
    this.refresh = 0;
    this.count = 0;
  }

  begin() {
    this.refresh += 1;
    this.made = 0;
  }

  family(name, type) {
    let family = this.families.get(name);
    if (!family || family.type !== type) {
      family = new Family(name, type);
      this.families.set(name, family);
    }
    if (family.seen !== this.refresh) {
      family.seen = this.refresh;
      family.next = [];
    }
    return family;
  }

  series(family, labels) {
    const key = JSON.stringify(labels);
    let series = family.byLabels.get(key);
    if (!series) {
      series = new Series(family, labels);
      family.byLabels.set(key, series);
      this.made += 1;
    }
    return series;
  }

  // Ends a refresh: what was not seen in it is gone.
  async settle(now, slices) {
    if (this.times.length === POINTS) {
      this.times = this.times.filter((_, i) => i % 2 === 0);
      this.halved += 1;
    }
    this.times.push(now);
    const expected = this.count + this.made;
    this.count = 0;
    for (const [name, family] of this.families) {
      if (family.seen !== this.refresh) {
        this.families.delete(name);
        continue;
      }
      const kept = family.next;
      if (kept.length !== family.byLabels.size) {
        for (const [key, series] of family.byLabels) {
          if (series.seen !== this.refresh) family.byLabels.delete(key);
        }
      }
      family.series = kept;
      this.count += kept.length;
      for (const series of kept) {
        series.commit(this, now);
        if (slices.full()) await slices.pause();
      }
    }
    if (this.count !== expected) {
      for (const [head, slot] of this.heads) {
        if (slot.series.seen !== this.refresh) this.heads.delete(head);
        if (slices.full()) await slices.pause();
      }
    }
  }
}

