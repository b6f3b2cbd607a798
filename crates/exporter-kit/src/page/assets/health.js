// Whether the exporter, its collectors and its sources are well, as its own metrics say.

function textOf(labels, without) {
  return labels.filter(([name]) => !without.includes(name)).map(([, text]) => text).join(' ');
}

function label(series, name) {
  return series.labels.find(([key]) => key === name)?.[1] ?? '';
}

// Each source with what is known of it: families `…_source_up` and the others of the same beginning.
function sourcesOf(store) {
  const sources = [];
  for (const up of store.families.values()) {
    if (!up.name.endsWith('_source_up')) continue;
    const base = up.name.slice(0, -'up'.length);
    const related = (suffix) => store.families.get(base + suffix)?.series ?? [];
    for (const series of up.series) {
      const name = textOf(series.labels, []) || up.name;
      const same = (other) => series.labels.every(([key, text]) => label(other, key) === text);
      const one = (suffix) => related(suffix).find(same)?.value;
      sources.push({
        name,
        up: series.value === 1,
        success: one('last_success_timestamp_seconds'),
        duration: one('duration_seconds'),
        errors: related('errors').filter((other) => same(other) && other.value > 0).map((other) => ({
          why: textOf(other.labels, series.labels.map(([key]) => key)) || 'errors',
          count: other.value,
        })),
      });
    }
  }
  return sources;
}

// Sentences on collectors that failed and families that are full.
function troubles(store) {
  const said = [];
  for (const series of store.families.get('exporter_kit_collector_failures')?.series ?? []) {
    if (series.value > 0) {
      const recent = series.change > 0 ? 'bad' : 'warn';
      said.push([recent, `Collector ${label(series, 'collector')}: ${plain(series.value)} × ${label(series, 'reason')} since the start${series.change > 0 ? `, ${plain(series.change)} of them since this page was opened` : ''}`]);
    }
  }
  for (const series of store.families.get('exporter_kit_series_refused')?.series ?? []) {
    if (series.value > 0) said.push(['warn', `Family ${label(series, 'family')} is at its limit of series: ${plain(series.value)} refused`]);
  }
  return said;
}

class Health {
  constructor(list, table) {
    this.list = list;
    this.table = table;
    this.said = '';
  }

  show(store, reachable) {
    const sources = sourcesOf(store);
    const down = sources.filter((source) => !source.up);
    const items = [reachable, ...troubles(store)];
    if (items.length === 1 && store.refresh) items.push(['good', 'No collector has failed']);
    if (sources.length) {
      items.push(down.length
        ? ['bad', `${down.length} of ${sources.length} sources failing: ${down.map((source) => source.name).join(', ')}`]
        : ['good', sources.length === 1 ? 'The source is up' : `All ${sources.length} sources are up`]);
    }
    const said = JSON.stringify(items);
    if (said !== this.said) {
      this.said = said;
      this.list.replaceChildren(...items.map(([state, text]) => el('li', state, text)));
    }
    this.showSources(sources);
  }

  showSources(sources) {
    this.table.hidden = !sources.length;
    const body = this.table.tBodies[0];
    while (body.rows.length > sources.length) body.lastElementChild.remove();
    while (body.rows.length < sources.length) {
      const tr = el('tr');
      tr.append(el('th'), el('td'), el('td'), el('td'), el('td'));
      tr.firstChild.scope = 'row';
      body.append(tr);
    }
    sources.forEach(({ name, up, success, duration, errors }, i) => {
      const [source, state, last, took, failed] = body.rows[i].cells;
      setText(source, name);
      setText(state, up ? 'up' : 'failing');
      state.className = up ? 'good' : 'bad';
      setText(last, success === undefined ? '–' : moment(success));
      setText(took, duration === undefined ? '–' : seconds(duration));
      setText(failed, errors.map(({ why, count }) => `${why} ${plain(count)}`).join(', ') || 'none');
    });
  }
}

