// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The peers we were told of, and which of them are folded away.

// So many rows can be taken in at one look; what is beyond is folded.
const SHOWN_AT_FIRST = 70;
// Loss lately is over so long.
const WINDOW_MS = 10000;
const BRANCH_OLD_MS = 5000;
const NEW_MS = 4000;

export class Forest {
  constructor() {
    this.peers = new Map(); // id -> peer, with parent
    this.children = new Map(); // id -> ids
    this.samples = new Map(); // id -> [{time, received, lost, out}]
    this.byHand = new Map(); // id -> folded, as the user wants it
    this.branches = new Map(); // id -> when fetched
    this.root = null;
    this.seen = new Map(); // id -> when first seen
    this.names = new Map(); // id -> address, of those gone as well
  }

  get(id) { return this.peers.get(id); }

  nameOf(id) {
    return this.names.get(id) || (id ? id.slice(0, 8) : 'nobody');
  }

  replace(list, time) {
    const first = this.peers.size === 0;
    const fetched = [...this.peers.values()].filter((peer) => peer.fetched);
    this.peers.clear();
    for (const peer of list) this.#take(peer, time, first);
    for (const peer of fetched)
      if (!this.peers.has(peer.id) && this.peers.has(peer.parent))
        this.peers.set(peer.id, peer);
    this.#index();
  }

  update(changed, gone, time) {
    for (const id of gone) this.peers.delete(id);
    for (const peer of changed) this.#take(peer, time, false);
    // Every peer ages, also one of which nothing new is told.
    for (const peer of this.peers.values()) peer.isNew =
      performance.now() - (this.seen.get(peer.id) ?? 0) < NEW_MS;
    this.#index();
  }

  #take(peer, time, first) {
    const now = { time: time / 1000, received: peer['packets-received'],
      lost: peer['packets-lost'], out: peer['bytes-out'] };
    let samples = this.samples.get(peer.id) ?? [];
    // Numbers that went back: it has started anew.
    if (samples.length && now.received < samples.at(-1).received) samples = [];
    samples.push(now);
    while (samples.length > 2 && samples[1].time < now.time - WINDOW_MS) samples.shift();
    this.samples.set(peer.id, samples);
    const then = samples[0];
    const lost = now.lost - then.lost, came = now.received - then.received;
    const seconds = (now.time - then.time) / 1000;
    // What only it knows, or what it reports to its parent.
    peer.loss = peer.stale || peer['plain-player'] ? peer['lost-fraction']
      : lost + came > 0 ? Math.max(0, lost) / (lost + came) : 0;
    peer.outBps = seconds > 0 ? 8 * (now.out - then.out) / seconds : NaN;
    if (!this.seen.has(peer.id)) this.seen.set(peer.id, first ? -Infinity : performance.now());
    peer.isNew = performance.now() - this.seen.get(peer.id) < NEW_MS;
    if (peer.address || !this.names.has(peer.id))
      this.names.set(peer.id, peer.address || `player ${peer.id.slice(0, 6)}`);
    this.peers.set(peer.id, peer);
  }

  #index() {
    this.children = new Map();
    this.root = null;
    for (const peer of this.peers.values()) {
      if (!peer.parent) this.root = peer.id;
      if (!this.children.has(peer.parent)) this.children.set(peer.parent, []);
      this.children.get(peer.parent).push(peer.id);
    }
    // A place in the drawing that does not change from one look to the next.
    for (const ids of this.children.values()) ids.sort();
    for (const map of [this.samples, this.seen, this.names, this.byHand])
      if (map.size > 4 * this.peers.size + 1000)
        for (const id of map.keys()) if (!this.peers.has(id)) map.delete(id);
    this.#foldWhatIsTooMuch();
  }

  // From the top, level by level, as many as can be taken in.
  #foldWhatIsTooMuch() {
    this.tooMuch = new Set();
    let shown = 1;
    let level = this.root ? [this.root] : [];
    while (level.length) {
      const next = [];
      for (const id of level) {
        const ids = this.childrenOf(id);
        if (!ids.length) continue;
        if (shown + ids.length > SHOWN_AT_FIRST && id !== this.root) this.tooMuch.add(id);
        else { shown += ids.length; next.push(...ids); }
      }
      level = next;
    }
  }

  childrenOf(id) { return this.children.get(id) ?? []; }

  isFolded(id) {
    const peer = this.peers.get(id);
    if (!peer || peer.subtree.peers < 2) return false;
    if (!this.childrenOf(id).length) return true; // nobody told us of them
    return this.byHand.get(id) ?? this.tooMuch.has(id);
  }

  // Whether its branch has to be fetched for that.
  toggle(id) {
    const fold = !this.isFolded(id);
    this.byHand.set(id, fold);
    if (fold) this.branches.delete(id);
    const peer = this.peers.get(id);
    return !fold && peer && this.childrenOf(id).length < peer.feeds;
  }

  foldAll(folded) {
    this.byHand.clear();
    for (const id of this.children.keys())
      if (id && id !== this.root) this.byHand.set(id, folded);
  }

  // Ids from a child of the root down to it.
  pathTo(id) {
    const path = [];
    for (let at = id; at && at !== this.root; at = this.peers.get(at)?.parent) path.unshift(at);
    return path;
  }

  addBranch(id, tree) {
    const time = Date.now() * 1000;
    const walk = (node, parent) => {
      const { children, ...peer } = node;
      if (parent && !(this.peers.has(peer.id) && !this.peers.get(peer.id).fetched))
        this.#take({ ...peer, parent, fetched: true }, time, true);
      for (const child of children) walk(child, peer.id);
    };
    for (const peer of this.peers.values())
      if (peer.fetched && peer.parent === id) this.peers.delete(peer.id);
    walk(tree, this.peers.get(id)?.parent || (id === this.root ? '' : undefined));
    this.branches.set(id, performance.now());
    this.#index();
  }

  oldBranches() {
    return [...this.branches].filter(([id, when]) =>
      this.peers.has(id) && performance.now() - when > BRANCH_OLD_MS).map(([id]) => id);
  }

  // The worst of a branch that is folded away. Of whom we are not told one by one
  // there is what its peers say together.
  worstBelow(id) {
    const top = this.peers.get(id);
    let loss = top?.loss ?? 0, without = 0;
    if (top && this.childrenOf(id).length < top.feeds)
      loss = Math.max(loss, top.subtree['worst-lost-fraction'] ?? 0);
    for (const child of this.childrenOf(id)) {
      const peer = this.peers.get(child), below = this.worstBelow(child);
      loss = Math.max(loss, below.loss);
      without += below.without + (peer.state === 'transient' ? 1 : 0);
    }
    return { loss, without };
  }

  figures() {
    const root = this.peers.get(this.root);
    if (!root) return {};
    const others = [...this.peers.values()].filter((peer) => peer !== root);
    const delays = others.filter((peer) => peer['delay-ms']).map((peer) => peer['delay-ms']);
    const medians = delays.map((delay) => delay.p50);
    const losses = others.map((peer) => peer.loss);
    // Where there are more than we are told of one by one, what all of them say
    // together: coarser, and some seconds older.
    const whole = this.peers.size < root.subtree.peers ? root.subtree : {};
    const mean = (list) => list.length ? list.reduce((a, b) => a + b, 0) / list.length : null;
    const worst = (list, told) => told == null && !list.length ? null : Math.max(told ?? 0, ...list);
    return {
      told: this.peers.size, peers: root.subtree.peers, levels: root.subtree.levels, free: root.subtree.free,
      worstLoss: worst(losses, whole['worst-lost-fraction'] ?? 0),
      meanLoss: whole['mean-lost-fraction'] ?? mean(losses) ?? 0,
      worstDelay: worst(medians, whole['worst-delay-ms']),
      meanDelay: whole['mean-delay-ms'] ?? mean(medians),
      rootOut: root.outBps,
      treeOut: [root, ...others].reduce((sum, peer) => sum + (peer.outBps || 0), 0),
    };
  }
}
