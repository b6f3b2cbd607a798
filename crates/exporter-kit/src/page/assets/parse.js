// Reads OpenMetrics text, and the older text format, as it arrives.

const SAMPLE = /^([^\s{"]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)/s;
const LABEL = /(?:([^=",\s]+)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)")?[\s,]*/gs;
const COMMENT = /^# (HELP|TYPE|UNIT) (?:"((?:[^"\\]|\\.)*)"|(\S+)) ?(.*)$/s;

// What a sample is, by what its name has more than its family's.
const PARTS = {
  counter: { _total: 'value', '': 'value', _created: 'none' },
  histogram: { _bucket: 'bucket', _sum: 'sum', _count: 'value', _created: 'none' },
  gaugehistogram: { _bucket: 'bucket', _gsum: 'sum', _gcount: 'value' },
  summary: { '': 'bucket', _sum: 'sum', _count: 'value', _created: 'none' },
  info: { _info: 'value', '': 'value' },
  stateset: { '': 'state' },
};
const SINGLE = { '': 'value' };

function unescaped(text) {
  return text.includes('\\') ? text.replace(/\\(.)/gs, (_, c) => (c === 'n' ? '\n' : c)) : text;
}

function number(text) {
  if (/^\+?inf/i.test(text)) return Infinity;
  return /^-inf/i.test(text) ? -Infinity : Number(text);
}

class Parser {
  constructor(store) {
    this.store = store;
    this.family = null;
    this.texts = { name: null };
    this.ended = false;
    this.unread = 0;
  }

  line(line) {
    if (line.charCodeAt(0) === 35) this.comment(line);
    else if (line.trim()) this.sample(line);
  }

  comment(line) {
    if (line === '# EOF') this.ended = true;
    const found = COMMENT.exec(line);
    if (!found) return;
    const name = found[2] === undefined ? found[3] : unescaped(found[2]);
    // The order of the three is not fixed; they stand before the samples.
    if (this.texts.name !== name) this.texts = { name, TYPE: 'unknown', HELP: '', UNIT: '' };
    this.texts[found[1]] = found[4];
    this.family = null;
  }

  begin() {
    const { name, TYPE, HELP, UNIT } = this.texts;
    const family = this.store.family(name, TYPE === 'untyped' ? 'unknown' : TYPE);
    family.help = unescaped(HELP);
    family.unit = UNIT;
    return family;
  }

  sample(line) {
    const found = SAMPLE.exec(line);
    if (!found) {
      this.unread += 1;
      return;
    }
    const head = line.slice(0, found[0].length - found[3].length);
    if (!this.family && this.texts.name !== null) this.family = this.begin();
    let slot = this.store.heads.get(head);
    if (!slot || (slot.part !== 'none' && slot.series.family.seen !== this.store.refresh)) {
      slot = this.place(found[1], found[2] ?? '');
      this.store.heads.set(head, slot);
    }
    const { series, part, index } = slot;
    if (series.seen !== this.store.refresh) {
      series.seen = this.store.refresh;
      series.family.next.push(series);
    }
    const n = number(found[3]);
    if (part === 'value') series.value = n;
    else if (part === 'sum') series.sum = n;
    else if (part === 'bucket') series.counts[index] = n;
    else if (part === 'state') series.states[index] = n === 1;
  }

  // Finds out what a line's beginning stands for.
  place(outside, text) {
    let name = outside;
    const labels = [];
    for (const [, bare, quoted, value] of text.matchAll(LABEL)) {
      const key = quoted === undefined ? bare : unescaped(quoted);
      if (value === undefined) name = key;
      else labels.push([key, unescaped(value)]);
    }
    let { family } = this;
    let part = null;
    if (family && name.startsWith(family.name)) {
      part = (PARTS[family.type] ?? SINGLE)[name.slice(family.name.length)];
    }
    if (!part) {
      family = this.store.family(name, 'unknown');
      part = 'value';
    }
    if (part === 'value' && (family.type === 'counter' || family.type === 'info')) family.title = name;
    return this.slot(family, part, labels);
  }

  slot(family, part, labels) {
    const own = { bucket: family.type === 'summary' ? 'quantile' : 'le', state: family.name }[part];
    const series = this.store.series(family, labels.filter(([name]) => name !== own));
    let index = 0;
    if (own !== undefined) {
      const mark = labels.find(([name]) => name === own)?.[1] ?? '';
      const bound = part === 'state' ? mark : number(mark);
      index = series.bounds.indexOf(bound);
      if (index < 0) index = series.bounds.push(bound) - 1;
    }
    return { series, part, index };
  }
}

// Reads a whole answer; gives the parser, which knows how it ended.
async function readMetrics(response, store, slices) {
  const parser = new Parser(store);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value: text } = await reader.read();
    if (done) break;
    rest += text;
    let from = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      parser.line(rest.slice(from, end));
      from = end + 1;
      if (slices.full()) await slices.pause();
    }
    rest = rest.slice(from);
  }
  return parser;
}

