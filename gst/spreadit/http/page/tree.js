// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tree as SVG: a level is a column, a peer without visible children a row.

const NS = 'http://www.w3.org/2000/svg';
const ROW = 22, ROW_DENSE = 17, MARGIN = 14, RADIUS = 6;
// Wide enough for an address, and narrow enough for all levels if it can be.
const COLUMN_MIN = 150, COLUMN_MAX = 190;
const DENSE_FROM = 40;
// Worth a word.
const LOSSY = 0.005;
// How wide an edge turns.
const BEND = 18;
// Of a character of a name, at most, in the font of style.css.
const CHARACTER = 7;

const element = (name, attributes, parent) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};

// Rows in the order of a walk through the tree.
function layOut(forest) {
  const rows = [];
  let leaves = 0;
  const place = (id, depth) => {
    const peer = forest.get(id);
    const folded = forest.isFolded(id);
    const row = { id, peer, depth, folded, parent: peer.parent,
      children: folded ? [] : forest.childrenOf(id) };
    rows.push(row);
    const below = row.children.map((child) => place(child, depth + 1));
    row.y = below.length ? (below[0].y + below.at(-1).y) / 2 : leaves++;
    return row;
  };
  if (forest.root) place(forest.root, 0);
  return { rows, leaves };
}

const short = (text) => text.length > 21 ? `${text.slice(0, 9)}…${text.slice(-11)}` : text;

function describe(row, forest) {
  const { peer } = row;
  const parts = [forest.nameOf(row.id), `level ${peer.level}`,
    peer.stale ? 'does not answer' : peer['plain-player'] ? 'plain player' : peer.state,
    `feeds ${peer.feeds}`, `loses ${(peer.loss * 100).toPrecision(2)} %`];
  if (peer.reachable === false) parts.push('its parent cannot connect to it');
  if (row.folded) parts.push(`${peer.subtree.peers - 1} below it folded`);
  return parts.join(', ');
}

export function drawTree(svg, forest, { chosen, choose, toggle }) {
  const { rows, leaves } = layOut(forest);
  const height = leaves > DENSE_FROM ? ROW_DENSE : ROW;
  const depth = Math.max(0, ...rows.map((row) => row.depth));
  // What is folded away, and how it fares, is said behind the name.
  const behind = rows.some((row) => row.folded) ? 60 : 0;
  const room = (svg.parentElement.clientWidth - 2 * MARGIN - behind) / (depth + 1);
  const column = Math.max(COLUMN_MIN, Math.min(COLUMN_MAX, room));
  const width = MARGIN * 2 + (depth + 1) * column + behind - 8;
  svg.setAttribute('width', width);
  svg.setAttribute('height', MARGIN * 2 + Math.max(1, leaves) * height + 4);
  const x = (row) => MARGIN + RADIUS + row.depth * column;
  const y = (row) => MARGIN + height / 2 + row.y * height;
  const nameEnd = (row) => x(row) + RADIUS + 9 +
    short(forest.nameOf(row.id)).length * CHARACTER +
    (row.peer.loss > LOSSY ? 8 * CHARACTER : 0);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const drawing = document.createDocumentFragment();

  for (const row of rows) {
    const parent = byId.get(row.parent);
    if (!parent) continue;
    // From behind the parent's name on, not through it.
    const middle = x(row) - 14;
    const begin = Math.min(nameEnd(parent), middle - BEND);
    const lossy = row.peer.loss > LOSSY ? ' lossy' : '';
    element('path', { class: `edge${lossy}${row.peer.stale ? ' stale' : ''}`,
      d: `M${begin} ${y(parent)}H${middle - BEND}C${middle} ${y(parent)} ${middle - BEND} ${y(row)} ${middle} ${y(row)}H${x(row)}` },
      drawing);
  }
  for (const row of rows) {
    const { peer } = row;
    const classes = ['peer', peer.state];
    if (peer.stale) classes.push('stale');
    if (peer['plain-player']) classes.push('player');
    if (peer.reachable === false) classes.push('unreachable');
    if (peer.isNew) classes.push('new');
    if (row.id === chosen) classes.push('chosen');
    const group = element('g', { class: classes.join(' '), id: `peer-${row.id}`,
      transform: `translate(${x(row)} ${y(row)})`, role: 'treeitem',
      'aria-level': row.depth + 1, 'aria-selected': row.id === chosen,
      'aria-label': describe(row, forest) }, drawing);
    if (row.folded || row.children.length) group.setAttribute('aria-expanded', !row.folded);
    // The ground for the label, so that an edge does not strike it through.
    element('rect', { x: -RADIUS - 3, y: -height / 2 + 1, width: column - 36,
      height: height - 2, rx: 4 }, group);
    element('circle', { r: peer.state === 'source' ? RADIUS + 1 : RADIUS - 1 }, group);
    const label = element('text', { x: RADIUS + 5 }, group);
    label.textContent = short(forest.nameOf(row.id));
    if (row.folded) {
      const worst = forest.worstBelow(row.id);
      const more = element('tspan', { class: 'more' }, label);
      more.textContent = ` ▸ ${peer.subtree.peers - 1}`;
      if (worst.loss > LOSSY || worst.without) {
        const bad = element('tspan', { class: 'bad' }, label);
        bad.textContent = worst.without ? ` ${worst.without} without`
          : ` ${(worst.loss * 100).toPrecision(2)} %`;
      }
    } else if (peer.loss > LOSSY) {
      const bad = element('tspan', { class: 'bad' }, label);
      bad.textContent = ` ${(peer.loss * 100).toPrecision(2)} %`;
    }
    group.addEventListener('click', () => {
      svg.focus({ preventScroll: true });
      if (row.folded || (row.id === chosen && row.children.length)) toggle(row.id);
      choose(row.id);
    });
  }
  svg.replaceChildren(drawing);
  if (byId.has(chosen)) {
    svg.setAttribute('aria-activedescendant', `peer-${chosen}`);
    if (svg.dataset.chosen !== chosen)
      svg.querySelector(`#peer-${CSS.escape(chosen)}`).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    svg.dataset.chosen = chosen;
  }
  return rows;
}
