// Families on the page. Only rows near the window exist; a list is cut in chunks that come and go.

const CHUNK_ROWS = 40;
const FEW_ROWS = 8;
const ROW_HEIGHT = 33;

class Row {
  constructor() {
    this.tr = el('tr');
    this.labels = this.cell('labels');
    this.value = this.cell('value');
    this.change = this.cell('change');
    this.trend = this.cell('trend');
    this.drawing = new Drawing();
    this.trend.append(this.drawing.svg);
    this.series = null;
  }

  // Said aloud as a table, however narrow windows lay it out.
  cell(name) {
    const cell = el('td', name);
    cell.setAttribute('role', 'cell');
    this.tr.setAttribute('role', 'row');
    this.tr.append(cell);
    return cell;
  }

  show(series, store) {
    if (this.series !== series) {
      this.series = series;
      this.labels.replaceChildren(...series.labels.map(([name, text]) => {
        const label = el('span', 'label');
        label.append(el('b', '', name), `=${text}`);
        return label;
      }));
      this.details = null;
    }
    const { family } = series;
    const unit = family.measure;
    const counts = family.distribution || family.type === 'summary';
    setText(this.value, family.type === 'stateset' ? stateOf(series) : value(series.value, counts ? '' : unit));
    setTitle(this.value, exact(series.value));
    const now = store.times.at(-1);
    setText(this.change, family.cumulative ? rate(series.rate(now), counts ? '' : unit) : signed(series.change, unit));
    setTitle(this.change, family.cumulative ? 'each second, since this page was opened' : 'since this page was opened');
    if (counts) this.showDetails(series, unit);
    this.drawing.show(series, store);
  }

  showDetails(series, unit) {
    if (!this.details) {
      this.details = el('span', 'details');
      this.labels.append(this.details);
    }
    const texts = distributionTexts(series, unit);
    if (this.details.childElementCount !== texts.length) {
      this.details.replaceChildren(...texts.map(() => el('span')));
    }
    texts.forEach((text, i) => setText(this.details.children[i], text));
    if (series.family.distribution) {
      setTitle(this.trend, bucketsOf(series).map(([bound, count]) => `≤ ${value(bound, unit)}: ${plain(count)}`).join('\n'));
    }
  }
}

function stateOf(series) {
  return series.bounds.filter((_, i) => series.states[i]).join(', ') || '–';
}

// Mean, quantiles and sum, as far as they are known.
function distributionTexts(series, unit) {
  const texts = [];
  const known = Number.isFinite(series.sum) && series.value > 0;
  if (known) texts.push(`mean ${value(series.sum / series.value, unit)}`);
  if (series.family.type === 'summary') {
    series.bounds.forEach((q, i) => texts.push(`p${plain(q * 100)} ${value(series.counts[i], unit)}`));
  } else if (series.value > 0) {
    const buckets = bucketsOf(series);
    if (buckets.length > 1) for (const q of [0.5, 0.9, 0.99]) texts.push(`p${q * 100} ≈${THIN}${value(quantile(buckets, q), unit)}`);
  }
  if (known) texts.push(`sum ${value(series.sum, unit)}`);
  return texts;
}

class Chunk {
  constructor(view, index, observer) {
    this.view = view;
    this.index = index;
    this.rows = [];
    this.near = false;
    this.tbody = el('tbody');
    this.tbody.chunk = this;
    this.height = 0;
    observer.observe(this.tbody);
    this.leave();
  }

  get length() {
    return Math.max(0, Math.min(CHUNK_ROWS, this.view.length - this.index * CHUNK_ROWS));
  }

  // Gives up its rows, but not the room they had.
  leave() {
    this.near = false;
    this.rows = [];
    const room = el('td');
    room.colSpan = 4;
    room.style.height = `${this.height || this.length * ROW_HEIGHT}px`;
    const tr = el('tr', 'room');
    tr.append(room);
    this.tbody.replaceChildren(tr);
  }

  fit() {
    if (this.rows.length === this.length) return;
    while (this.rows.length > this.length) this.rows.pop().tr.remove();
    if (!this.rows.length) this.tbody.replaceChildren();
    while (this.rows.length < this.length) {
      const row = new Row();
      this.rows.push(row);
      this.tbody.append(row.tr);
    }
  }
}

class View {
  constructor(family, page) {
    this.family = family;
    this.page = page;
    this.rows = [];
    this.chunks = [];
    this.all = false;
    this.section = el('section', 'family');
    const header = el('header');
    this.title = el('h2', '', family.title);
    this.title.id = `family-${page.ids += 1}`;
    header.append(this.title, ' ', el('span', 'type', family.type));
    this.unit = el('span', 'unit');
    this.help = el('p', 'help');
    header.append(' ', this.unit, this.help);
    this.table = el('table');
    this.table.setAttribute('role', 'table');
    this.table.setAttribute('aria-labelledby', this.title.id);
    const columns = el('colgroup');
    columns.append(...['labels', 'value', 'change', 'trend'].map((name) => el('col', name)));
    this.table.append(columns);
    this.more = el('button', 'more');
    this.more.type = 'button';
    this.more.addEventListener('click', () => {
      this.all = !this.all;
      this.layOut();
      page.drawVisible();
    });
    this.section.append(header, this.table, this.more);
  }

  get length() {
    return this.all ? this.rows.length : Math.min(FEW_ROWS, this.rows.length);
  }

  // Takes the series to show, in order.
  set(rows) {
    this.rows = rows;
    const { family } = this;
    setText(this.title, family.title);
    setText(this.unit, family.unit);
    setText(this.help, family.help);
    const alone = family.series.length === 1 && !family.series[0].labels.length;
    this.section.classList.toggle('single', alone && !family.distribution && family.type !== 'summary');
    this.layOut();
  }

  layOut() {
    const wanted = Math.ceil(this.length / CHUNK_ROWS);
    while (this.chunks.length > wanted) {
      const chunk = this.chunks.pop();
      this.page.observer.unobserve(chunk.tbody);
      chunk.tbody.remove();
    }
    while (this.chunks.length < wanted) {
      const chunk = new Chunk(this, this.chunks.length, this.page.observer);
      this.chunks.push(chunk);
      this.table.append(chunk.tbody);
    }
    const last = this.chunks.at(-1);
    if (last && !last.near) {
      last.height = 0;
      last.leave();
    }
    const hidden = this.rows.length <= FEW_ROWS;
    if (this.more.hidden !== hidden) this.more.hidden = hidden;
    setText(this.more, this.all ? 'Show fewer' : `Show all ${plain(this.rows.length)} series`);
    this.more.setAttribute('aria-expanded', String(this.all));
  }

  close() {
    for (const chunk of this.chunks) this.page.observer.unobserve(chunk.tbody);
    this.section.remove();
  }
}

