/**
 * Plays a recording: blocks of 40 ms are mixed, stretched and handed to one AudioContext, each for
 * the very sample at which the one before ends. A change of the mixer or of the speed takes back
 * what was handed over and is not heard yet.
 *
 * The context runs at the rate of the sound, so that the browser converts what comes out of it
 * once, without a seam. There is no AudioWorklet: that needs https, which a local network seldom has.
 */

import { bend, mix } from "./mix.js";
import { PIECE, RATE } from "./sound.js";
import { HOP, REACH, hop, placeAt } from "./stretch.js";

const HOPS = 2; // a block
const BLOCK = HOP * HOPS;
const AHEAD = 1.6; // s: the timers of a page in the background come once a second
const LEAD = 0.02; // s between now and what can still be changed
const TICK = 50; // ms
const FADE = 0.004; // s
const IDLE = 1000; // ms

/** @typedef {"paused" | "playing" | "loading"} State */
/** @typedef {import("./stretch.js").Place} Place */
/**
 * @typedef {object} Block what was handed over
 * @property {number} when by the clock of the context
 * @property {Place} place where it begins
 * @property {number} until the sample of the recording at which it ends
 * @property {Float32Array} gains as they were heard before it
 * @property {AudioBufferSourceNode} node
 */

export class Player extends EventTarget {
  /** @type {AudioContext | undefined} */
  #context;
  /** @type {GainNode | undefined} what plays on from one place; another place has another */
  #voice;
  /** @type {Block[]} */
  #blocks = [];
  /** @type {Place} */
  #place = placeAt(0);
  /** @type {Float32Array} as they were heard last */
  #heard;
  /** @type {Float32Array} */
  #gains;
  #when = 0;
  #rate = 1;
  /** @type {State} */
  #state = "paused";
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {import("./sound.js").Sound} sound
   * @param {number} duration in seconds
   * @param {number} channels
   */
  constructor(sound, duration, channels) {
    super();
    this.sound = sound;
    this.duration = duration;
    this.end = Math.round(duration * RATE);
    this.#gains = new Float32Array(channels).fill(1);
    this.#heard = this.#gains;
    sound.addEventListener("piece", () => this.#fill());
  }

  get state() {
    return this.#state;
  }

  get rate() {
    return this.#rate;
  }

  set rate(rate) {
    this.#rate = Math.min(3, Math.max(0.5, rate));
    this.#again();
    this.#tell();
  }

  /** How loud each channel is. @param {Float32Array} gains */
  set gains(gains) {
    this.#gains = gains;
    this.#again();
  }

  /** The second of the recording that is heard now. */
  get position() {
    return Math.min(this.duration, Math.max(0, this.#sample() / RATE));
  }

  /** @param {number} [from] in seconds; from where it stands without it */
  play(from) {
    if (this.#state !== "paused" && from === undefined) return;
    const context = this.#started();
    void context.resume();
    if (from !== undefined) this.#move(from);
    else if (this.#sample() >= this.end) this.#move(0);
    if (this.#state === "paused") this.#timer = setInterval(() => this.#tick(), TICK);
    this.#set("playing");
    this.#fill();
  }

  pause() {
    if (this.#state === "paused") return;
    this.#move(this.position);
    clearInterval(this.#timer);
    this.sound.rest();
    this.#set("paused");
    setTimeout(() => this.#sleep(), IDLE);
  }

  /** A context that runs costs power also where it is silent. */
  #sleep() {
    if (this.#state === "paused" && this.#context?.state === "running") void this.#context.suspend();
  }

  /** @param {number} to in seconds */
  seek(to) {
    this.#move(Math.min(this.duration, Math.max(0, to)));
    if (this.#state !== "paused") this.#fill();
    this.#tell();
  }

  /** Ends for good. */
  close() {
    this.pause();
    void this.#context?.close();
  }

  #started() {
    if (!this.#context) {
      this.#context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    }
    return this.#context;
  }

  #sample() {
    if (!this.#context || !this.#blocks.length) return this.#place.ideal;
    const now = this.#context.currentTime - (this.#context.outputLatency || 0);
    const block = this.#blocks.findLast((each) => each.when <= now) ?? this.#blocks[0];
    const passed = Math.min(1, Math.max(0, ((now - block.when) * RATE) / BLOCK));
    return block.place.ideal + (block.until - block.place.ideal) * passed;
  }

  #tick() {
    if (this.position >= this.duration) this.pause();
    else this.#fill();
  }

  /** Takes back all of it, and goes on there. @param {number} seconds */
  #move(seconds) {
    this.#hush();
    this.#blocks = [];
    this.#place = placeAt(Math.round(seconds * RATE));
    this.#heard = this.#gains;
    this.#when = 0;
  }

  /** Makes again what is not heard yet. */
  #again() {
    if (!this.#context || !this.#blocks.length) return;
    const from = this.#context.currentTime + LEAD;
    const first = this.#blocks.findIndex((each) => each.when >= from);
    if (first < 0) return;
    const { place, gains, when } = this.#blocks[first];
    [this.#place, this.#heard, this.#when] = [place, gains, when];
    for (const each of this.#blocks.splice(first)) each.node.disconnect();
    this.#fill();
  }

  /** Ends what plays, without a click. */
  #hush() {
    if (!this.#context || !this.#voice) return;
    const [voice, now] = [this.#voice, this.#context.currentTime];
    voice.gain.setValueAtTime(1, now);
    voice.gain.linearRampToValueAtTime(0, now + FADE);
    for (const each of this.#blocks) each.node.stop(Math.max(each.when, now + FADE));
    this.#voice = undefined;
  }

  /** @param {AudioContext} context */
  #speak(context) {
    this.#voice = new GainNode(context, { gain: 0 });
    this.#voice.gain.setValueAtTime(0, this.#when);
    this.#voice.gain.linearRampToValueAtTime(1, this.#when + FADE);
    this.#voice.connect(context.destination);
    return this.#voice;
  }

  #fill() {
    if (this.#state === "paused" || !this.#context) return;
    const now = this.#context.currentTime;
    this.#blocks = this.#blocks.filter((each) => each.when > now - 1);
    this.sound.want(Math.floor(this.#place.follow / PIECE));
    if (this.#when < now) this.#when = soon(now);
    while (this.#when < now + AHEAD && this.#place.ideal < this.end) {
      if (!this.#here()) return this.#set(this.#when < now + 0.1 ? "loading" : this.#state);
      this.#block(this.#context);
    }
    this.#set("playing");
  }

  /** Whether all that the next block reads is here. */
  #here() {
    const reach = this.#rate === 1 ? 0 : REACH;
    const from = Math.min(this.#place.follow, Math.round(this.#place.ideal) - reach);
    const to = Math.max(this.#place.follow, this.#place.ideal + HOPS * HOP * this.#rate) + HOP + reach;
    const last = Math.min(Math.floor(to / PIECE), this.sound.pieces - 1);
    for (let each = Math.max(0, Math.floor(from / PIECE)); each <= last; each++) {
      if (!this.sound.piece(each)) return false;
    }
    return true;
  }

  /** Mixes, stretches and hands over one. @param {AudioContext} context */
  #block(context) {
    const buffer = new AudioBuffer({ length: BLOCK, numberOfChannels: 1, sampleRate: RATE });
    const samples = buffer.getChannelData(0);
    const [began, gains] = [this.#place, this.#heard];
    for (let at = 0; at < BLOCK; at += HOP) {
      const read = this.#reader(this.#gains);
      const old = this.#heard === this.#gains ? read : this.#reader(this.#heard);
      this.#place = hop(this.#place, this.#rate, old, read, samples.subarray(at, at + HOP));
      this.#heard = this.#gains;
    }
    bend(samples);
    const node = new AudioBufferSourceNode(context, { buffer });
    node.connect(this.#voice ?? this.#speak(context));
    node.start(this.#when);
    this.#blocks.push({ when: this.#when, place: began, until: this.#place.ideal, gains, node });
    this.#when = (Math.round(this.#when * RATE) + BLOCK) / RATE;
  }

  /** @param {Float32Array} gains @returns {import("./stretch.js").Read} */
  #reader(gains) {
    return (position, count) => {
      const out = new Float32Array(count);
      for (let at = 0; at < count; ) {
        const sample = position + at;
        const index = Math.floor(sample / PIECE);
        const offset = sample - index * PIECE;
        const length = Math.min(count - at, PIECE - offset);
        const piece = this.sound.piece(index);
        const there = piece ? Math.min(length, piece.frames - offset) : 0;
        if (piece && there > 0) mix(piece.channels, offset, there, gains, gains, out, at);
        at += length;
      }
      return out;
    };
  }

  /** @param {State} state */
  #set(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** The sample at which it can begin. @param {number} now */
function soon(now) {
  return Math.ceil((now + 0.03) * RATE) / RATE;
}
