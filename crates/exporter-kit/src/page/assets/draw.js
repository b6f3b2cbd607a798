// Small drawings: what a series did, and how a histogram is distributed.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120;
const HEIGHT = 24;

function el(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setTitle(element, text) {
  if (element.title !== text) element.title = text;
}

class Drawing {
  constructor() {
    this.svg = document.createElementNS(SVG, 'svg');
    this.svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('aria-hidden', 'true');
    this.area = this.path('area');
    this.line = this.path('line');
  }

  path(name) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('class', name);
    this.svg.append(path);
    return path;
  }

  set(line, area) {
    if (this.line.getAttribute('d') !== line) {
      this.line.setAttribute('d', line);
      this.area.setAttribute('d', area);
    }
  }

  show(series, store) {
    if (series.family.distribution && series.bounds.length) this.bars(series);
    else this.spark(series, store);
  }

  spark(series, store) {
    // An info says all in its labels.
    const points = series.family.type === 'info' ? [] : pointsOf(series, store.times);
    let low = series.family.cumulative ? 0 : Infinity;
    let high = series.family.cumulative ? 0 : -Infinity;
    for (const [, y] of points) {
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
    if (points.length < 2) {
      this.set('', '');
      return;
    }
    const begin = points[0][0];
    const wide = points.at(-1)[0] - begin;
    // What does not move is a line in the middle, what does not count one at the bottom.
    const flat = high === low;
    this.svg.classList.toggle('flat', flat);
    const rest = series.family.cumulative ? HEIGHT - 2 : HEIGHT / 2;
    let line = '';
    for (const [x, y] of points) {
      const across = (((x - begin) / wide) * WIDTH).toFixed(1);
      const down = flat ? rest : HEIGHT - 2 - ((y - low) / (high - low)) * (HEIGHT - 4);
      line += `${line ? 'L' : 'M'}${across} ${down.toFixed(1)}`;
    }
    this.set(line, flat ? '' : `${line}V${HEIGHT}H0Z`);
  }

  bars(series) {
    const buckets = bucketsOf(series);
    const most = Math.max(...buckets.map(([, count]) => count));
    const wide = WIDTH / buckets.length;
    const gap = Math.min(1.5, wide / 4);
    let area = '';
    buckets.forEach(([, count], i) => {
      if (count <= 0) return;
      const top = HEIGHT - 1 - Math.max(1.5, (count / most) * (HEIGHT - 2));
      area += `M${(i * wide + gap / 2).toFixed(1)} ${HEIGHT - 1}V${top.toFixed(1)}H${((i + 1) * wide - gap / 2).toFixed(1)}V${HEIGHT - 1}Z`;
    });
    if (this.area.getAttribute('class') !== 'bars') this.area.setAttribute('class', 'bars');
    this.line.setAttribute('d', `M0 ${HEIGHT - 0.5}H${WIDTH}`);
    if (this.area.getAttribute('d') !== area) this.area.setAttribute('d', area);
  }
}

// Times and levels; of what counts, times and rates.
function pointsOf(series, times) {
  const points = [];
  let before = null;
  for (let i = 0; i < times.length; i += 1) {
    const level = series.history[i];
    if (!Number.isFinite(level)) continue;
    if (!series.family.cumulative) points.push([times[i], level]);
    else if (before) points.push([times[i], (level - before[1]) / (times[i] - before[0])]);
    before = [times[i], level];
  }
  return points;
}

// Upper bounds and the observations of each bucket alone, rising.
function bucketsOf(series) {
  const buckets = series.bounds.map((bound, i) => [bound, series.counts[i]]);
  buckets.sort((a, b) => a[0] - b[0]);
  let below = 0;
  return buckets.map(([bound, count]) => {
    const own = count - below;
    below = count;
    return [bound, own];
  });
}

// What a fraction of the observations is at most, taking them as spread evenly within their bucket.
function quantile(buckets, q) {
  const all = buckets.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (let i = 0; i < buckets.length; i += 1) {
    const [bound, count] = buckets[i];
    const rank = q * all;
    if (count > 0 && below + count >= rank) {
      const low = i ? buckets[i - 1][0] : Math.min(0, bound);
      return bound === Infinity ? low : low + ((bound - low) * (rank - below)) / count;
    }
    below += count;
  }
  return NaN;
}

