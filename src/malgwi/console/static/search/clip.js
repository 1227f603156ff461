/** Plays what a hit is about, with a second before and after it; only one at a time. */

const AROUND = 1; // seconds
const MOST = 30; // seconds a piece

/** @typedef {{recording: string, channel: number, start: number, end: number}} Said */

/** Tells `change` when another is heard or none is, `failed` where it cannot be. */
export class Clip extends EventTarget {
  /** What is heard, or paused; empty where nothing is. */
  key = "";
  #from = 0;
  #to = 0;
  #until = 0;
  /** @type {Said | undefined} */
  #said;

  constructor() {
    super();
    this.audio = document.createElement("audio");
    this.audio.hidden = true;
    for (const each of ["play", "pause", "timeupdate"]) this.audio.addEventListener(each, () => this.#tell("change"));
    this.audio.addEventListener("ended", () => this.#ended());
    this.audio.addEventListener("error", () => this.#failed());
  }

  get playing() {
    return this.key !== "" && !this.audio.paused;
  }

  /** How much of it was heard, from 0 to 1. */
  get share() {
    const all = this.#until - this.#from;
    return all > 0 ? Math.min(1, (this.#to - this.#from - this.#left()) / all) : 0;
  }

  /** @param {string} key @param {Said} said */
  toggle(key, said) {
    if (key !== this.key) this.play(key, said);
    else if (this.audio.paused) void this.audio.play();
    else this.audio.pause();
  }

  /** @param {string} key @param {Said} said */
  play(key, said) {
    this.key = key;
    this.#said = said;
    this.#from = Math.max(0, said.start - AROUND);
    this.#until = said.end + AROUND;
    this.#piece(this.#from);
  }

  stop() {
    this.key = "";
    this.audio.pause();
    this.#tell("change");
  }

  /** @param {number} from */
  #piece(from) {
    const { recording, channel } = /** @type {Said} */ (this.#said);
    const seconds = Math.min(MOST, this.#until - from);
    this.#to = from + seconds;
    const query = new URLSearchParams({ start: from.toFixed(3), seconds: seconds.toFixed(3), channels: String(channel) });
    this.audio.src = `/v1/recordings/${encodeURIComponent(recording)}/sound?${query}`;
    this.audio.play().catch(() => undefined); // `error` says so, or another was chosen meanwhile
  }

  #ended() {
    if (this.#until - this.#to > 0.01) this.#piece(this.#to);
    else this.stop();
  }

  #failed() {
    const behindTheEnd = this.#to - this.#from > MOST; // the recording may end before the last word
    this.stop();
    if (!behindTheEnd) this.#tell("failed");
  }

  #left() {
    const { currentTime, duration } = this.audio;
    return Number.isFinite(duration) ? duration - currentTime : MOST;
  }

  /** @param {string} type */
  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
