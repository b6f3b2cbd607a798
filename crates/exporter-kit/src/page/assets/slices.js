// Work in slices: between two of them the browser draws, scrolls and types.

const SLICE_ROWS = 500;
const SLICE_MS = 8;

class Slices {
  constructor() {
    this.start();
  }

  start() {
    this.rows = 0;
    this.began = performance.now();
  }

  // Counts a row; true when it is time to pause.
  full() {
    this.rows += 1;
    return this.rows >= SLICE_ROWS
      || ((this.rows & 15) === 0 && performance.now() - this.began > SLICE_MS);
  }

  async pause() {
    this.note();
    // Where there is no yielding, a timer comes back after what else there is to do.
    await (globalThis.scheduler?.yield?.() ?? new Promise((go) => setTimeout(go)));
    this.start();
  }

  // Leaves what was done in the browser's own timeline.
  note() {
    performance.measure('slice', { start: this.began, detail: { rows: this.rows } });
  }
}

