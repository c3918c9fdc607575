// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The live page: listens to api/v1/events and shows what it is told. Text from
// the network is set as text, never as markup.
import { Forest } from './forest.js';
import { drawTree } from './tree.js';
import { Charts } from './charts.js';
import { Player } from './player.js';

const $ = (id) => document.getElementById(id);
const STALE_AFTER_MS = 5000; // told each second, of large trees every 4 s
const RETRY_MS = [1000, 2000, 4000, 8000, 10000];
const NEWS_MAX = 200;

const state = {
  uri: '', forest: new Forest(), charts: new Charts(), chosen: null,
  socket: null, tries: 0, told: 0, interval: 1000, lostAt: 0,
};
const player = new Player($('video'), $('play'), $('watch-state'));

// --- Words --------------------------------------------------------------------

export function bits(perSecond) {
  if (!Number.isFinite(perSecond)) return '–';
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'];
  let value = perSecond, unit = 0;
  while (value >= 1000 && unit < 3) { value /= 1000; unit++; }
  return `${value.toFixed(value < 10 && unit ? 1 : 0)} ${units[unit]}`;
}
const percent = (part) =>
  part == null ? '–' : part === 0 ? '0 %' : `${(part * 100).toPrecision(2)} %`;
const millis = (ms) => ms == null ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

function say(text, time = Date.now()) {
  const item = document.createElement('li');
  const when = document.createElement('time');
  when.textContent = new Date(time).toLocaleTimeString([], { hour12: false });
  item.append(when, text);
  $('news').prepend(item);
  while ($('news').childElementCount > NEWS_MAX) $('news').lastChild.remove();
}

// --- What is shown ------------------------------------------------------------

function showFigures() {
  const all = state.forest.figures();
  $('f-peers').textContent = all.peers ?? '–';
  $('f-levels').textContent = all.levels ?? '–';
  $('f-free').textContent = all.free ?? '–';
  $('f-loss').textContent = percent(all.worstLoss);
  $('f-mean-loss').textContent = percent(all.meanLoss);
  $('f-worst-delay').textContent = millis(all.worstDelay);
  $('f-delay').textContent = millis(all.meanDelay);
  $('f-out').textContent = bits(all.rootOut);
  // Of those we are told of.
  $('f-tree-out').textContent = (all.told < all.peers ? '≥ ' : '') + bits(all.treeOut);
}

function showPeer() {
  const peer = state.forest.get(state.chosen);
  const list = $('peer');
  list.replaceChildren();
  if (!peer) {
    list.textContent = state.chosen ? 'It is not in the tree any more.' : '';
    return;
  }
  const row = (name, value) => {
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = name;
    dd.textContent = value;
    list.append(dt, dd);
  };
  row('Address', peer.address || 'cannot be reached');
  row('State', peer['plain-player'] ? 'plain player'
    : peer.stale ? `${peer.state}, does not answer` : peer.state);
  if (peer.reachable !== undefined)
    row('Others can connect', peer.reachable ? 'yes'
      : 'no, its parent has tried: see to its NAT, its firewall or its --advertise');
  row('Level', peer.level);
  row('Feeds', `${peer.feeds} of ${peer['max-children']}`);
  row('Below it', plural(peer.subtree.peers - 1, 'peer', 'peers'));
  if (peer.subtree.measured)
    row('Worst from here down', `loses ${percent(peer.subtree['worst-lost-fraction'])}, ` +
      `${millis(peer.subtree['worst-delay-ms'])} late`);
  row('Lost lately', percent(peer.loss));
  row('Lost in all', `${peer['packets-lost']} of ${peer['packets-received'] + peer['packets-lost']}`);
  row('Delay', peer['delay-ms']
    ? `${millis(peer['delay-ms'].p50)}, 99 of 100: ${millis(peer['delay-ms'].p99)}` : '–');
  row('To its parent', peer['rtt-ms'] == null ? '–' : `${millis(peer['rtt-ms'])} there and back`);
  row('Moves', peer.switches);
  row('Last gap', millis(peer['transience-ms'].last));
  row('Sends', bits(peer.outBps));
  row('Over', peer.transport.toUpperCase());
  row('Id', peer.id);
}

let drawn = [];
function show() {
  state.forest.chosen = state.chosen;
  drawn = drawTree($('tree'), state.forest, {
    chosen: state.chosen,
    choose: (id) => { state.chosen = id; show(); },
    toggle,
  });
  const all = state.forest.figures();
  const hidden = (all.peers ?? 0) - drawn.length;
  $('shown').textContent = `${drawn.length} shown` +
    (hidden > 0 ? `, ${hidden} folded away` : '');
  showFigures();
  showPeer();
}

async function toggle(id) {
  if (state.forest.toggle(id)) await fetchBranch(id);
  show();
}

// A branch of which nobody has told us yet.
async function fetchBranch(id) {
  const path = state.forest.pathTo(id);
  const query = new URLSearchParams({
    stream: state.uri, from: path.join('/'), depth: 2, peers: 300 });
  try {
    const answer = await fetch(`api/v1/tree?${query}`);
    const body = await answer.json();
    if (answer.ok) state.forest.addBranch(id, body.tree);
    else say(body.error.what);
  } catch (error) {
    say(`could not ask for that branch: ${error.message}`);
  }
}

setInterval(async () => {
  const branches = state.forest.oldBranches();
  for (const id of branches) await fetchBranch(id);
  if (branches.length) show();
}, 5000);

// --- The keyboard ---------------------------------------------------------------

$('tree').addEventListener('keydown', (event) => {
  const at = Math.max(0, drawn.findIndex((one) => one.id === state.chosen));
  const here = drawn[at];
  if (!here) return;
  const choose = (one) => { if (one) { state.chosen = one.id; show(); } };
  const actions = {
    ArrowDown: () => choose(drawn[at + 1]),
    ArrowUp: () => choose(drawn[at - 1]),
    Home: () => choose(drawn[0]),
    End: () => choose(drawn[drawn.length - 1]),
    ArrowRight: () => here.folded ? toggle(here.id)
      : here.children.length && choose(drawn.find((one) => one.id === here.children[0])),
    ArrowLeft: () => !here.folded && here.children.length ? toggle(here.id)
      : choose(drawn.find((one) => one.id === here.parent)),
    Enter: () => (here.folded || here.children.length) && toggle(here.id),
    ' ': () => (here.folded || here.children.length) && toggle(here.id),
  };
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
});
$('fold').addEventListener('click', () => { state.forest.foldAll(true); show(); });
$('unfold').addEventListener('click', () => { state.forest.foldAll(false); show(); });

// --- What we are told -------------------------------------------------------------

const told = {
  tree(message) {
    state.forest.replace(message.peers, message.time);
    onTold(message, []);
  },
  update(message) {
    state.forest.update(message.changed, message.gone, message.time);
    onTold(message, message.moves);
  },
  moved(message) { say(message.what, message.time / 1000); },
  problem(message) { banner(message.problem.error.what); },
  over() { banner('The stream is over here.'); },
};

function onTold(message, moves) {
  banner('');
  const name = (id) => state.forest.nameOf(id);
  // One look at a large tree may bring hundreds: the count says it then.
  for (const move of moves.slice(0, 12))
    if (!move.from) say(`${name(move.id)} has joined`, message.time / 1000);
    else if (!move.to) say(`${name(move.id)} is gone`, message.time / 1000);
    else say(`${name(move.id)} moved from ${name(move.from)} to ${name(move.to)}`,
      message.time / 1000);
  if (moves.length > 12) say(`and ${moves.length - 12} more changes`);
  const all = state.forest.figures();
  state.charts.add(message.time / 1000, {
    worstLoss: all.worstLoss * 100, meanLoss: all.meanLoss * 100,
    worstDelay: all.worstDelay, meanDelay: all.meanDelay,
    peers: all.peers, moves: moves.filter((move) => move.to).length,
  });
  state.charts.draw($('c-loss'), $('c-delay'), $('c-peers'));
  if (!state.chosen) state.chosen = state.forest.root;
  show();
}

function banner(text) {
  $('banner').hidden = !text;
  $('banner').textContent = text;
}

// --- The connection -----------------------------------------------------------------

function setLink(kind, text) {
  document.body.classList.toggle('old', kind !== 'live');
  if ($('link').textContent === text) return;
  $('link').dataset.state = kind;
  $('link').textContent = text;
}

function connect() {
  const socket = new WebSocket(new URL(
    `api/v1/events?${new URLSearchParams({ stream: state.uri })}`,
    location.href.replace(/^http/, 'ws')));
  state.socket = socket;
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    const now = performance.now();
    if (message.type !== 'moved') {
      if (state.told) state.interval = now - state.told;
      state.told = now;
    }
    state.tries = state.lostAt = 0;
    told[message.type]?.(message);
    setLink('live', 'live');
  };
  socket.onclose = (event) => {
    if (state.socket !== socket) return;
    state.lostAt ||= performance.now();
    const wait = RETRY_MS[Math.min(state.tries++, RETRY_MS.length - 1)];
    if (event.reason) banner(event.reason);
    setTimeout(() => state.socket === socket && connect(), wait);
  };
}

setInterval(() => {
  const now = performance.now();
  if (state.lostAt) {
    const seconds = Math.round((now - state.lostAt) / 1000);
    setLink('lost', `disconnected for ${seconds} s, trying again`);
  } else if (state.told && now - state.told > Math.max(STALE_AFTER_MS, 3 * state.interval)) {
    setLink('stale', `nothing heard for ${Math.round((now - state.told) / 1000)} s`);
  }
}, 500);

function follow(uri) {
  state.socket?.close();
  Object.assign(state, {
    uri, forest: new Forest(), charts: new Charts(), chosen: null, socket: null,
    tries: 0, told: 0, interval: 1000, lostAt: 0 });
  $('uri').textContent = uri;
  document.title = `SpreadIt ${uri}`;
  player.follow(uri);
  connect();
}

async function begin() {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 10000)) {
    try {
      const node = await (await fetch('api/v1/node')).json();
      const uris = node.streams.map((one) => one.uri);
      if (uris.length) {
        for (const uri of uris) $('stream').append(new Option(uri, uri));
        $('stream-label').hidden = uris.length < 2;
        $('uri').hidden = uris.length > 1;
        follow(uris[0]);
        return;
      }
      banner('Every stream here is over.');
    } catch (error) {
      setLink('lost', 'disconnected, trying again');
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
$('stream').addEventListener('change', () => follow($('stream').value));

// --- Colours ---------------------------------------------------------------------------

const themes = ['auto', 'light', 'dark'];
function setTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  $('theme').textContent = `Colours: ${theme}`;
  $('theme').setAttribute('aria-label', `Colours: ${theme}; change`);
  localStorage.setItem('theme', theme);
}
$('theme').addEventListener('click', () => {
  const now = localStorage.getItem('theme') ?? 'auto';
  setTheme(themes[(themes.indexOf(now) + 1) % themes.length]);
});
setTheme(themes.includes(localStorage.getItem('theme')) ? localStorage.getItem('theme') : 'auto');

begin();
