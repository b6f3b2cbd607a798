// Numbers for people. The exact value is always in the cell's title.

const THIN = '\u202f';
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

function trimmed(text) {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function exact(n) {
  if (n === Infinity) return '+Inf';
  return n === -Infinity ? '-Inf' : String(n);
}

function plain(n) {
  if (!Number.isFinite(n)) return exact(n);
  const size = Math.abs(n);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) {
    const [digits, power] = n.toExponential(3).split('e');
    return `${trimmed(digits)}e${power.replace('+', '')}`.replaceAll('-', '−');
  }
  const whole = Number.isInteger(n);
  const digits = whole ? 0 : Math.max(0, Math.min(7, 3 - Math.floor(Math.log10(size))));
  const [left, right] = trimmed(size.toFixed(digits)).split('.');
  const grouped = left.length > 4 ? left.replace(/\B(?=(\d{3})+$)/g, THIN) : left;
  return (n < 0 ? '−' : '') + grouped + (right ? `.${right}` : '');
}

// Three digits that count.
function short(n) {
  const size = Math.abs(n);
  return n.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

function bytes(n) {
  if (!Number.isFinite(n)) return exact(n);
  let size = Math.abs(n);
  let power = 0;
  while (size >= 1024 && power < BYTES.length - 1) {
    size /= 1024;
    power += 1;
  }
  const text = power ? short(size) : plain(size);
  return `${n < 0 ? '−' : ''}${text}${THIN}${BYTES[power]}`;
}

// A long time in its two largest units.
function span(seconds) {
  const s = Math.floor(seconds);
  const parts = [[Math.floor(s / 86400), 'd'], [Math.floor(s / 3600) % 24, 'h'], [Math.floor(s / 60) % 60, 'min'], [s % 60, 's']];
  const first = Math.max(0, parts.findIndex(([n]) => n > 0));
  const used = s ? parts.slice(first, first + 2) : [[0, 's']];
  return used.map(([n, unit]) => `${n}${THIN}${unit}`).join(' ');
}

function seconds(n) {
  if (!Number.isFinite(n)) return exact(n);
  const size = Math.abs(n);
  const sign = n < 0 ? '−' : '';
  if (size === 0) return `0${THIN}s`;
  if (size < 1e-6) return `${sign}${short(size * 1e9)}${THIN}ns`;
  if (size < 1e-3) return `${sign}${short(size * 1e6)}${THIN}µs`;
  if (size < 1) return `${sign}${short(size * 1e3)}${THIN}ms`;
  return sign + (size < 120 ? `${short(size)}${THIN}s` : span(size));
}

function moment(n) {
  if (!Number.isFinite(n)) return exact(n);
  if (n <= 0) return 'never';
  const ago = Date.now() / 1000 - n;
  if (Math.abs(ago) < 1) return 'now';
  return ago < 0 ? `in ${span(-ago)}` : `${span(ago)} ago`;
}

const UNITS = {
  bytes,
  seconds,
  timestamp: moment,
  ratio: (n) => (Number.isFinite(n) ? `${plain(n * 100)}${THIN}%` : exact(n)),
  percent: (n) => `${plain(n)}${THIN}%`,
  celsius: (n) => `${plain(n)}${THIN}°C`,
  volts: (n) => `${plain(n)}${THIN}V`,
  amperes: (n) => `${plain(n)}${THIN}A`,
  joules: (n) => `${plain(n)}${THIN}J`,
  meters: (n) => `${plain(n)}${THIN}m`,
  grams: (n) => `${plain(n)}${THIN}g`,
  hertz: (n) => `${plain(n)}${THIN}Hz`,
};

// What a family's numbers are, by its unit or what its name ends in.
function unitOf(family) {
  if (/(?:timestamp|start_time|boot_time)_seconds$/.test(family.name)) return 'timestamp';
  const unit = family.unit || family.name.replace(/_total$/, '').split('_').pop();
  return Object.hasOwn(UNITS, unit) ? unit : '';
}

function value(n, unit) {
  return (UNITS[unit] ?? plain)(n);
}

function signed(n, unit) {
  if (!n) return '';
  const text = value(Math.abs(n), unit === 'timestamp' ? 'seconds' : unit);
  return (n < 0 ? '−' : '+') + text;
}

function rate(n, unit) {
  const text = unit || !(n >= 0.01) ? value(n, unit) : n < 1000 ? short(n) : plain(Math.round(n));
  return `${text}/s`;
}

