// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The stream in the page: one endless response into a media source buffer.

const AHEAD_MAX_S = 4; // behind what has come: jump
const AHEAD_S = 0.8; // to here
const KEEP_S = 20; // what was shown

export class Player {
  constructor(video, button, status) {
    Object.assign(this, { video, button, status, uri: '', abort: null });
    button.addEventListener('click', () => this.abort ? this.stop('') : this.start());
  }

  follow(uri) {
    this.stop('');
    this.uri = uri;
  }

  stop(why) {
    this.abort?.abort();
    this.abort = null;
    this.video.hidden = true;
    this.video.removeAttribute('src');
    this.video.load();
    this.button.textContent = 'Watch the stream here';
    this.status.textContent = why;
  }

  async start() {
    const abort = this.abort = new AbortController();
    this.button.textContent = 'Stop';
    this.status.textContent = 'joining';
    try {
      await this.#play(abort.signal);
      if (this.abort === abort) this.stop('The stream has ended here; watch again?');
    } catch (error) {
      if (this.abort === abort) this.stop(error.message);
    }
  }

  async #play(signal) {
    const response = await fetch(
      `watch?${new URLSearchParams({ stream: this.uri })}`, { signal });
    if (!response.ok) throw new Error((await response.json()).error.what);
    const type = response.headers.get('Content-Type');
    if (!MediaSource.isTypeSupported(type))
      throw new Error(`This browser does not play ${type}.`);
    const media = new MediaSource();
    const opened = new Promise((resolve) => media.addEventListener('sourceopen', resolve, { once: true }));
    this.video.hidden = false;
    this.video.src = URL.createObjectURL(media);
    await opened;
    URL.revokeObjectURL(this.video.src);
    const buffer = media.addSourceBuffer(type);
    const idle = () => new Promise((resolve, reject) => {
      if (!buffer.updating) { resolve(); return; }
      buffer.addEventListener('updateend', resolve, { once: true });
      buffer.addEventListener('error', () => reject(new Error('The browser cannot decode it.')), { once: true });
    });
    const reader = response.body.getReader();
    let placed = false;
    this.video.addEventListener('playing', () => {
      if (!signal.aborted) this.status.textContent = 'live';
    }, { signal });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await idle();
      if (this.video.error) throw new Error(`The browser gives up: ${this.video.error.message}`);
      buffer.appendBuffer(value);
      await idle();
      const ranges = buffer.buffered;
      if (!ranges.length) continue;
      const end = ranges.end(ranges.length - 1), start = ranges.start(ranges.length - 1);
      // Also behind a gap, as when somebody has paused.
      if (!placed || end - this.video.currentTime > AHEAD_MAX_S && !this.video.paused) {
        placed = true;
        this.video.currentTime = Math.max(start, end - AHEAD_S);
        this.video.play().catch(() => {});
      }
      if (this.video.currentTime - ranges.start(0) > 2 * KEEP_S) {
        buffer.remove(0, this.video.currentTime - KEEP_S);
        await idle();
      }
    }
  }
}
