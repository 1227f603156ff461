/**
 * What the parts of the transcript page share: the outline, the texts, the player, the mixer, and
 * what is chosen. Parts listen to its events: `outline` (another revision), `view` (how it is
 * shown), `mixer`, `notes`, `found`, `follow`, `notice`.
 */

import { Refusal, bytes, get, send, withQuery } from "./api.js";
import { ofDay, spoken } from "./clock.js";
import { h } from "../dom.js";
import { gains } from "./mix.js";
import { Outline } from "./outline.js";
import { Player } from "./player.js";
import { Sound } from "./sound.js";
import { Texts } from "./texts.js";

export const COLOURS = 8;

/** @typedef {(key: string, values?: Record<string, any>) => string} Say */
/**
 * @typedef {object} Mark a note; a bookmark where its text is empty
 * @property {string} id
 * @property {number} at
 * @property {number | null} until
 * @property {number | null} channel
 * @property {string} text
 * @property {string | null} author_name
 * @property {string} [created]
 */
/** @typedef {{position: number, start: number, parts: [number, number][]}} Hit */
/** @typedef {{text: string, bad?: boolean, act?: {label: string, href?: string, click?: () => void}[]}} Notice */

export class Page extends EventTarget {
  /** @type {Mark[]} by time */
  notes = [];
  /** @type {Hit[]} by time */
  hits = [];
  /** @type {number} of the hit that was jumped to; -1 for none */
  hit = -1;
  /** @type {"speaker" | "channel"} */
  colourBy = "channel";
  wall = false;
  raw = false;
  /** Flags of what is shown in full though it is a duplicate or suppressed. */
  shown = 0;
  following = true;
  /** @type {Map<string, Notice>} */
  notices = new Map();

  /** @param {any} answer the outline @param {Say} say @param {boolean} may whether this person may correct */
  constructor(answer, say, may) {
    super();
    this.say = say;
    this.may = may;
    this.outline = new Outline(answer);
    this.texts = new Texts(this.outline.transcript, this.outline.revision);
    const path = `/v1/recordings/${encodeURIComponent(this.outline.recording)}/sound`;
    const piece = (/** @type {number} */ start, /** @type {number} */ seconds, /** @type {AbortSignal} */ signal) =>
      bytes(withQuery(path, { start, seconds }), signal);
    this.sound = new Sound(piece, this.outline.duration);
    this.player = new Player(this.sound, this.outline.duration, this.outline.lanes.length);
    this.strips = this.outline.lanes.map(() => ({ volume: 1, muted: false, solo: false }));
    if (this.outline.mostAreNamed) this.colourBy = "speaker";
    this.sound.addEventListener("failed", (event) => this.fail(/** @type {CustomEvent} */ (event).detail, "sound"));
    this.sound.addEventListener("piece", () => this.clear("sound"));
    this.texts.addEventListener("failed", (event) => this.fail(/** @type {CustomEvent} */ (event).detail, "texts"));
    this.texts.addEventListener("page", () => this.clear("texts"));
  }

  get path() {
    return `/v1/transcripts/${encodeURIComponent(this.outline.transcript)}`;
  }

  /** @param {string} type */
  tell(type) {
    this.dispatchEvent(new Event(type));
  }

  /** @param {Partial<Pick<Page, "colourBy" | "wall" | "raw" | "shown">>} change */
  show(change) {
    Object.assign(this, change);
    this.tell("view");
  }

  /** @param {boolean} following */
  follow(following) {
    if (following === this.following) return;
    this.following = following;
    this.tell("follow");
  }

  /** @param {number} lane @param {Partial<import("./mix.js").Strip>} change */
  strip(lane, change) {
    Object.assign(this.strips[lane], change);
    this.player.gains = gains(this.strips);
    this.tell("mixer");
  }

  /** Whether a lane is heard. @param {number} lane */
  heard(lane) {
    return gains(this.strips)[lane] > 0;
  }

  /** @param {number} time */
  playFrom(time) {
    this.follow(true);
    this.player.play(time);
  }

  /** @param {number} time */
  seek(time) {
    this.player.seek(time);
    this.follow(true);
  }

  /** Of a lane as it is coloured by channel. @param {number} lane */
  laneColour(lane) {
    return lane % COLOURS;
  }

  /** @param {number} position */
  colourOf(position) {
    const speaker = this.outline.speaker[position];
    if (this.colourBy === "speaker") return speaker < 0 ? COLOURS : speaker % COLOURS;
    return this.laneColour(this.laneAt(position));
  }

  /** @param {number} position */
  laneAt(position) {
    return this.outline.laneOf.get(this.outline.channel[position]) ?? 0;
  }

  /** @param {number} position */
  labelOf(position) {
    return this.outline.lanes[this.laneAt(position)].label;
  }

  /** A moment as it is shown now. @param {number} seconds @param {number} [digits] */
  timeOf(seconds, digits = 0) {
    const { started } = this.outline;
    return this.wall && started !== null ? ofDay(started, seconds) : spoken(seconds, digits);
  }

  /** Reads the outline again, as after a change that somebody made. */
  async renew() {
    this.outline = new Outline(await get(`${this.path}/outline`));
    this.texts.forget(this.outline.revision);
    this.clear("newer");
    this.tell("outline");
  }

  /**
   * Sends corrections against a revision.
   * @param {number} revision
   * @param {{utterance: string, text?: string, speaker?: string}[]} corrections
   */
  correct(revision, corrections) {
    return send("POST", `${this.path}/corrections`, { base_revision: revision, corrections });
  }

  /** One utterance was corrected: nothing else is other. @param {number} position @param {number} revision */
  async corrected(position, revision) {
    const utterance = await this.texts.renew(position, revision);
    const { outline } = this;
    outline.revision = revision;
    outline.flags[position] |= 8;
    const name = utterance?.speaker ?? "";
    if (name && !outline.speakers.includes(name)) outline.speakers.push(name);
    outline.speaker[position] = outline.speakers.indexOf(name);
    this.dispatchEvent(new CustomEvent("corrected", { detail: position }));
  }

  /** Says on the page what went wrong, and what to do. @param {unknown} error @param {string} key */
  fail(error, key = "failed") {
    if (hasEnded(error)) return;
    this.notices.set(key, said(error, this.say));
    this.tell("notice");
  }

  /** @param {string} key @param {Notice} notice */
  note(key, notice) {
    this.notices.set(key, notice);
    this.tell("notice");
  }

  /** Says in passing what was done. @param {string} text */
  done(text) {
    /** @type {any} */ (globalThis).malgwi?.toast(text);
  }

  /** @param {string} key */
  clear(key) {
    if (this.notices.delete(key)) this.tell("notice");
  }
}

/** @param {unknown} error @param {Say} say @returns {Notice} */
export function said(error, say) {
  if (!(error instanceof Refusal)) return { bad: true, text: String(error) };
  if (error.status === 401) {
    hasEnded(error);
    return { bad: true, text: say("signed-out"), act: [{ label: say("sign-in"), href: signIn() }] };
  }
  if (error.status === 0) return { bad: true, text: say("no-connection") };
  return { bad: true, text: error.message };
}

/** Where one signs in to come back here. */
function signIn() {
  return `/sign-in?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;
}

/** A link in what is said of a failure: to another tab, so that what was typed here stays. @param {{label: string, href?: string}} act */
export function doorOf({ label, href }) {
  return h("a", { class: "mg-button", href, target: "_blank" }, label);
}

/** Whether it is that the session has ended: the frame says so, and where to sign in. @param {unknown} error */
function hasEnded(error) {
  const { malgwi } = /** @type {any} */ (globalThis);
  if (!(error instanceof Refusal) || error.status !== 401 || !malgwi) return false;
  malgwi.ended();
  return true;
}
