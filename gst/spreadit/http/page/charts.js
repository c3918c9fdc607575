// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Three small charts of what the page has seen, ten minutes at most.

const NS = 'http://www.w3.org/2000/svg';
const KEPT_MS = 600_000;
const WIDTH = 320, HEIGHT = 120, LEFT = 34, BOTTOM = 16, TOP = 8;

const element = (name, attributes, parent, text) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
};

// 1, 2 or 5 times a power of ten, not below `value`.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value * 0.999);
}

export class Charts {
  constructor() { this.points = []; }

  add(time, values) {
    this.points.push({ time, ...values });
    while (this.points[0].time < time - KEPT_MS) this.points.shift();
  }

  draw(loss, delay, peers) {
    this.#chart(loss, 'Lost packets, per cent', [['worstLoss', 'first'], ['meanLoss', 'second']], 0.1);
    this.#chart(delay, 'Delay, milliseconds', [['worstDelay', 'first'], ['meanDelay', 'second']], 1);
    this.#chart(peers, 'Audience', [['peers', 'third']], 5, 'moves');
  }

  #chart(svg, title, series, least, bars) {
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.replaceChildren();
    const points = this.points;
    const names = [...series.map(([name]) => name), ...(bars ? [bars] : [])];
    const top = roundUp(Math.max(least, ...names.flatMap(
      (name) => points.map((point) => point[name] ?? 0))));
    const end = points.at(-1).time;
    const span = Math.max(60_000, end - points[0].time);
    const x = (time) => LEFT + (WIDTH - LEFT) * (1 - (end - time) / span);
    const y = (value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top;
    for (const value of [0, top / 2, top]) {
      element('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }, svg);
      element('text', { class: 'axis', x: LEFT - 4, y: y(value) + 3, 'text-anchor': 'end' },
        svg, +value.toPrecision(2));
    }
    element('text', { class: 'axis', x: LEFT, y: HEIGHT - 4 }, svg,
      span < 120_000 ? `${Math.round(span / 1000)} s ago` : `${Math.round(span / 60_000)} min ago`);
    element('text', { class: 'axis', x: WIDTH, y: HEIGHT - 4, 'text-anchor': 'end' }, svg, 'now');
    if (bars)
      for (const point of points)
        if (point[bars]) element('line', { class: 'bars', x1: x(point.time), x2: x(point.time),
          y1: y(0), y2: y(point[bars]) }, svg);
    for (const [name, kind] of series) {
      const known = points.filter((point) => Number.isFinite(point[name]));
      element('polyline', { class: `series ${kind}`,
        points: known.map((point) => `${x(point.time).toFixed(1)},${y(point[name]).toFixed(1)}`).join(' ') },
        svg);
    }
    const last = points.at(-1);
    svg.setAttribute('aria-label', `${title}: now ${series.map(
      ([name]) => last[name] == null ? 'not known' : +last[name].toPrecision(3)).join(', ')}`);
  }
}
