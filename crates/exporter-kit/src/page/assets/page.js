// The page as a whole: refreshing, filtering, sorting, its controls.

const PATIENCE_MS = 30000;
const FAMILIES_AT_ONCE = 60;
const ACCEPT = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,text/plain;version=0.0.4;q=0.5';

const root = document.documentElement;

// What a browser does not let a page remember is forgotten.
function remembered(name, text) {
  try {
    if (text !== undefined) sessionStorage.setItem(name, text);
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

// What is no encoded text stands for itself.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Page {
  constructor() {
    this.store = new Store();
    this.views = new Map();
    this.ids = 0;
    this.limit = FAMILIES_AT_ONCE;
    this.turn = 0;
    this.words = [];
    this.paused = false;
    this.failure = null;
    this.openedWith = { uptime: Number(document.body.dataset.uptime), at: performance.now() };
    this.get = (id) => document.getElementById(id);
    this.main = this.get('families');
    this.health = new Health(this.get('health'), this.get('sources'));
    this.own = new Fold(document.body.dataset.own);
    this.observer = new IntersectionObserver((entries) => this.scrolled(entries), { rootMargin: '300px 0px' });
    this.end = el('div', 'end');
    this.observer.observe(this.end);
    this.listen();
    setInterval(() => this.tick(), 1000);
    this.showReachable();
    this.refresh();
  }

  listen() {
    const filter = this.get('filter');
    filter.value = decoded(location.hash.slice(1));
    this.setWords();
    filter.addEventListener('input', () => {
      history.replaceState(null, '', filter.value ? `#${encodeURIComponent(filter.value)}` : location.pathname + location.search);
      this.setWords();
      this.limit = FAMILIES_AT_ONCE;
      this.arrange();
      clearTimeout(this.speaking);
      this.speaking = setTimeout(() => this.say(this.get('shown').textContent), 700);
    });
    this.get('sort').addEventListener('change', () => this.arrange());
    this.get('interval').addEventListener('change', () => this.schedule());
    this.get('pause').addEventListener('click', () => this.pause(!this.paused));
    this.get('theme').addEventListener('click', () => setTheme(isDark() ? 'light' : 'dark'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showTheme);
    document.addEventListener('keydown', (event) => this.key(event));
    // Nobody looks at a tab that is hidden, and every refresh is a scrape.
    document.addEventListener('visibilitychange', () => this.schedule(0));
    for (const button of document.querySelectorAll('.copy')) {
      button.addEventListener('click', () => this.copy(button));
    }
    for (const gap of document.querySelectorAll('[data-fill]')) {
      gap.textContent = gap.dataset.fill === 'host' ? location.host : location.protocol.slice(0, -1);
    }
    showTheme();
  }

  setWords() {
    this.words = this.get('filter').value.toLowerCase().replaceAll('"', '').split(/[\s,{}]+/).filter(Boolean);
    this.own.filtered(this.words.length > 0);
  }

  key(event) {
    const filter = this.get('filter');
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      filter.focus();
      filter.select();
    } else if (event.key === 'Escape') {
      if (filter.value) {
        filter.value = '';
        filter.dispatchEvent(new Event('input'));
      } else {
        filter.blur();
      }
    }
  }

  pause(paused) {
    this.paused = paused;
    const button = this.get('pause');
    button.setAttribute('aria-pressed', String(paused));
    setText(button, paused ? 'Resume' : 'Pause');
    root.classList.toggle('paused', paused);
    this.say(paused ? 'Paused' : 'Refreshing again');
    this.showReachable();
    this.schedule(0);
  }

  // Plans the next refresh, unless one runs: it plans the next itself.
  schedule(delay) {
    clearTimeout(this.timer);
    if (this.paused || document.hidden || this.refreshing) return;
    this.timer = setTimeout(() => this.refresh(), delay ?? Number(this.get('interval').value) * 1000);
  }

  async refresh() {
    this.refreshing = true;
    performance.clearMeasures('slice');
    const asked = performance.now();
    try {
      const response = await fetch(document.body.dataset.metrics, {
        headers: { Accept: ACCEPT },
        cache: 'no-store',
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
      const took = performance.now() - asked;
      const slices = new Slices();
      this.store.begin();
      const parser = await readMetrics(response, this.store, slices);
      if (!parser.ended && response.headers.get('content-type')?.includes('openmetrics')) throw new Error('the answer ended early');
      await this.store.settle(asked, slices);
      slices.note();
      await this.answered(took, parser.unread);
    } catch (error) {
      this.failed(error);
    }
    this.refreshing = false;
    this.schedule();
  }

  async answered(took, unread) {
    if (this.failure) {
      this.failure = null;
      this.say('The exporter answers again');
      this.readUptime();
    }
    this.at = performance.now();
    this.unread = unread;
    setText(this.get('took'), seconds(took / 1000));
    setText(this.get('series'), plain(this.store.count));
    this.showReachable();
    root.classList.remove('stale');
    await this.arrange();
    // For whoever waits for it: this refresh is on the page.
    root.dataset.refresh = this.store.refresh;
  }

  failed(error) {
    if (!this.failure) this.say('The exporter does not answer');
    const why = error.name === 'TimeoutError' ? `nothing within ${PATIENCE_MS / 1000} s` : error.message;
    this.failure = { why, since: this.failure?.since ?? performance.now() };
    root.classList.add('stale');
    this.showReachable();
  }

  // The exporter may have been started anew.
  async readUptime() {
    try {
      const text = await (await fetch(location.pathname, { cache: 'no-store' })).text();
      const found = /data-uptime="(\d+)"/.exec(text);
      if (found) this.openedWith = { uptime: Number(found[1]), at: performance.now() };
    } catch {
      // It has gone again; the next refresh says so.
    }
  }

  showReachable() {
    let state = ['good', 'Answering'];
    if (this.failure) state = ['bad', `No answer since ${span((performance.now() - this.failure.since) / 1000)} ago: ${this.failure.why}`];
    else if (this.at === undefined) state = ['idle', 'Asking for the metrics…'];
    else if (this.paused) state = ['idle', `Paused; the values are from ${span((performance.now() - this.at) / 1000)} ago`];
    else if (this.unread) state = ['warn', `Answering, but ${plain(this.unread)} lines can't be read`];
    this.health.show(this.store, state);
  }

  tick() {
    if (document.hidden) return;
    this.showReachable();
    if (!this.failure) setText(this.get('uptime'), span(this.openedWith.uptime + (performance.now() - this.openedWith.at) / 1000));
  }

  say(text) {
    this.get('status').textContent = text;
  }

  matches(family, series) {
    return this.words.every((word) => family.hay.includes(word) || series.hay.includes(word));
  }

  // Puts on the page what the filter lets through, in order. A later call overtakes one that still runs.
  async arrange() {
    this.turn += 1;
    const { turn } = this;
    const slices = new Slices();
    const key = { name: null, value: (series) => series.level(), change: (series) => series.moved }[this.get('sort').value];
    const lists = [];
    let shown = 0;
    for (const family of this.store.families.values()) {
      const rows = [];
      let most = -Infinity;
      for (const series of family.series) {
        if (this.matches(family, series)) {
          rows.push(series);
          if (key && key(series) > most) most = key(series);
        }
        if (slices.full()) {
          await slices.pause();
          if (turn !== this.turn) return;
        }
      }
      if (!rows.length) continue;
      shown += rows.length;
      if (key) rows.sort((a, b) => order(key(a), key(b)));
      lists.push({ family, rows, most, own: this.own.has(family) });
    }
    lists.sort((a, b) => a.own - b.own || (key && order(a.most, b.most)) || (a.family.title < b.family.title ? -1 : 1));
    this.lists = lists;
    this.own.count(lists.filter(({ own }) => own).length);
    this.showCount(shown);
    await this.place(slices, turn);
  }

  showCount(shown) {
    const { count, families } = this.store;
    const text = this.words.length
      ? `${plain(shown)} of ${plain(count)} series in ${plain(this.lists.length)} of ${plain(families.size)} families`
      : `${plain(count)} series in ${plain(families.size)} families`;
    setText(this.get('shown'), text);
  }

  async place(slices, turn) {
    const wanted = this.lists.slice(0, this.limit);
    const kept = new Set(wanted.map(({ family }) => family));
    for (const [family, view] of this.views) {
      if (!kept.has(family)) {
        view.close();
        this.views.delete(family);
      }
    }
    if (!this.taken) {
      this.taken = true;
      this.main.replaceChildren(this.own.details, this.end);
    }
    let parent = this.main;
    let at = parent.firstElementChild;
    for (const { family, rows, own } of wanted) {
      if (own && parent === this.main) {
        parent = this.own.details;
        at = this.own.summary.nextElementSibling;
      }
      let view = this.views.get(family);
      if (!view) {
        view = new View(family, this);
        this.views.set(family, view);
      }
      view.set(rows);
      if (view.section === at) at = at.nextElementSibling;
      else parent.insertBefore(view.section, at);
      if (slices.full()) {
        await slices.pause();
        if (turn !== this.turn) return;
      }
    }
    this.main.classList.toggle('nothing', !wanted.length);
    setText(this.end, wanted.length ? '' : this.words.length ? 'Nothing matches the filter. Esc clears it.' : 'There are no metrics yet.');
    slices.note();
    await this.drawVisible();
  }

  scrolled(entries) {
    let more = false;
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const { chunk } = target;
      if (!chunk) more ||= isIntersecting;
      else if (isIntersecting) chunk.near = true;
      else if (chunk.near) {
        chunk.height = boundingClientRect.height;
        chunk.leave();
      }
    }
    if (more && this.lists?.length > this.limit) {
      this.limit += FAMILIES_AT_ONCE;
      this.arrange();
    } else {
      this.drawVisible();
    }
  }

  async drawVisible() {
    this.drawing = (this.drawing ?? 0) + 1;
    const { drawing } = this;
    const slices = new Slices();
    for (const view of this.views.values()) {
      for (const chunk of view.chunks) {
        if (!chunk.near) continue;
        chunk.fit();
        for (let i = 0; i < chunk.rows.length; i += 1) {
          const series = view.rows[chunk.index * CHUNK_ROWS + i];
          if (series) chunk.rows[i].show(series, this.store);
          if (slices.full()) {
            await slices.pause();
            if (drawing !== this.drawing) return;
          }
        }
      }
    }
    slices.note();
  }

  async copy(button) {
    const source = this.get(button.dataset.copy);
    let done = false;
    try {
      await navigator.clipboard.writeText(source.textContent);
      done = true;
    } catch {
      // Without TLS there is no clipboard but the old one.
      getSelection().selectAllChildren(source);
      done = document.execCommand('copy');
    }
    setText(button, done ? 'Copied' : 'Press Ctrl+C');
    this.say(button.textContent);
    setTimeout(() => setText(button, 'Copy'), 2000);
  }
}

// The families about the exporter itself, folded below those of the application.
class Fold {
  constructor(pattern) {
    this.pattern = new RegExp(pattern);
    this.details = el('details', 'own');
    this.summary = el('summary');
    this.details.append(this.summary);
    this.wanted = remembered('own') === 'open';
    this.details.open = this.wanted;
    this.searching = false;
    // Before the browser opens or closes it.
    this.summary.addEventListener('click', () => {
      if (this.searching) return;
      this.wanted = !this.details.open;
      remembered('own', this.wanted ? 'open' : '');
    });
  }

  has(family) {
    return this.pattern.test(family.title);
  }

  // Open while a filter is set, so that no match is hidden.
  filtered(searching) {
    this.searching = searching;
    this.details.open = searching || this.wanted;
  }

  count(families) {
    this.details.hidden = !families;
    setText(this.summary, `About the exporter: ${plain(families)} ${families === 1 ? 'family' : 'families'}`);
  }
}

// The largest first; NaN last.
function order(a, b) {
  return (Number.isNaN(a) ? -Infinity : a) === (Number.isNaN(b) ? -Infinity : b) ? 0 : (Number.isNaN(b) || a > b ? -1 : 1);
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function setTheme(theme) {
  root.dataset.theme = theme;
  remembered('theme', theme);
  showTheme();
}

function showTheme() {
  document.getElementById('theme')?.setAttribute('aria-pressed', String(isDark()));
}

// Before anything is drawn: no flash of the other colours, no controls that do nothing.
root.classList.add('running');
const theme = remembered('theme');
if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
document.addEventListener('DOMContentLoaded', () => new Page());
