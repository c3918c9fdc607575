// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tree as SVG: a level is a column, a peer without visible children a row.

const NS = 'http://www.w3.org/2000/svg';
const ROW = 22, ROW_DENSE = 17, MARGIN = 14, RADIUS = 6;
// Of a level that has room for its names anyway.
const COLUMN_MIN = 100, COLUMN_MAX = 190;
const DENSE_FROM = 40;
// Worth a word.
const LOSSY = 0.005;
// How wide an edge turns, and how far before the peer it has.
const BEND = 16, STRAIGHT = 12;
const NAME_AT = RADIUS + 5, BEHIND_NAME = 5;

const element = (name, attributes, parent) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};

// How wide that text is in the tree: to ask the elements would lay out the page
// for each.
function measurer(svg) {
  const context = document.createElement('canvas').getContext('2d');
  context.font = `12px ${getComputedStyle(svg).fontFamily}`; // as in style.css
  return (text) => context.measureText(text).width;
}

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

const percent = (share) => `${(share * 100).toPrecision(2)} %`;

// What is said behind the name: how many are folded away, and what is wrong.
function behindName({ id, peer, folded }, forest) {
  if (!folded) return { more: '', bad: peer.loss > LOSSY ? ` ${percent(peer.loss)}` : '' };
  const worst = forest.worstBelow(id);
  return { more: ` ▸ ${peer.subtree.peers - 1}`,
    bad: worst.without ? ` ${worst.without} without`
      : worst.loss > LOSSY ? ` ${percent(worst.loss)}` : '' };
}

function describe(row, forest) {
  const { peer } = row;
  const parts = [forest.nameOf(row.id), `level ${peer.level}`,
    peer.stale ? 'does not answer' : peer['plain-player'] ? 'plain player' : peer.state,
    `feeds ${peer.feeds}`, `loses ${percent(peer.loss)}`];
  if (peer.reachable === false) parts.push('its parent cannot connect to it');
  if (row.folded) parts.push(`${peer.subtree.peers - 1} below it folded`);
  return parts.join(', ');
}

export function drawTree(svg, forest, { chosen, choose, toggle }) {
  const { rows, leaves } = layOut(forest);
  const height = leaves > DENSE_FROM ? ROW_DENSE : ROW;
  const depth = Math.max(0, ...rows.map((row) => row.depth));
  const measure = measurer(svg);
  for (const row of rows) {
    row.name = short(forest.nameOf(row.id));
    row.behind = behindName(row, forest);
    row.end = NAME_AT + measure(row.name + row.behind.more + row.behind.bad);
  }
  // How far it is to the next level: an edge begins behind the longest name there,
  // and turns. What is left over is theirs, too.
  const columns = Array(depth).fill(COLUMN_MIN);
  for (const row of rows)
    if (row.children.length)
      columns[row.depth] = Math.max(columns[row.depth],
        row.end + BEHIND_NAME + BEND + STRAIGHT);
  const place = () => {
    const left = [MARGIN + RADIUS];
    for (const column of columns) left.push(left.at(-1) + column);
    return left;
  };
  const widthOf = (left) =>
    Math.max(0, ...rows.map((row) => left[row.depth] + row.end)) + MARGIN;
  const over = svg.parentElement.clientWidth - widthOf(place());
  if (over > 0)
    columns.forEach((column, level) => {
      columns[level] = Math.max(column, Math.min(COLUMN_MAX, column + over / depth));
    });
  const left = place();
  svg.setAttribute('width', widthOf(left));
  svg.setAttribute('height', MARGIN * 2 + Math.max(1, leaves) * height + 4);
  const x = (row) => left[row.depth];
  const y = (row) => MARGIN + height / 2 + row.y * height;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const drawing = document.createDocumentFragment();

  for (const row of rows) {
    const parent = byId.get(row.parent);
    if (!parent) continue;
    // From behind the parent's name on, not through it.
    const middle = x(row) - STRAIGHT;
    const begin = x(parent) + parent.end + BEHIND_NAME;
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
    element('rect', { x: -RADIUS - 3, y: -height / 2 + 1, width: RADIUS + 6 + row.end,
      height: height - 2, rx: 4 }, group);
    element('circle', { r: peer.state === 'source' ? RADIUS + 1 : RADIUS - 1 }, group);
    const label = element('text', { x: NAME_AT }, group);
    label.textContent = row.name;
    for (const [kind, text] of Object.entries(row.behind))
      if (text) element('tspan', { class: kind }, label).textContent = text;
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
