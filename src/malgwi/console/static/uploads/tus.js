/**
 * One file on its way by tus 1.0.0, which goes on after any break: of the connection, of the
 * service, of the page. Tells `change` whenever there is something new to show.
 */

import { reason } from "../reasons.js";

const BASE = "/v1/uploads";
const PIECE = 32 * 1024 * 1024;
const SILENCE = 45_000;
const WAITS = [1, 2, 4, 8, 15, 30];
const KEPT = "malgwi-upload:";
const KEPT_FOR = 24 * 3600 * 1000;
/** Answers after which trying again helps. */
const PASSING = [0, 408, 409, 423, 425, 429, 500, 502, 503, 504];

export class Refused extends Error {
  constructor(status, said, after = 0) {
    super(said);
    this.status = status;
    this.after = after;
  }
}

export class Upload extends EventTarget {
  /** waiting, sending, paused, lost, done, refused, cancelled */
  state = "waiting";
  sent = 0;
  /** Bytes a second, of late; null where not known. */
  speed = null;
  /** Why it was refused. */
  reason = "";
  /** What the service says of it once it is there. */
  answer = null;
  #address = null;
  #piece = null;
  #wake = null;
  #measured = { at: 0, sent: 0 };

  /** @param {File} file @param {Record<string, any>} fields what is said of it @param {boolean} part of several */
  constructor(file, fields, part) {
    super();
    this.file = file;
    this.fields = fields;
    this.part = part;
    const kept = remembered(file, part);
    if (kept) {
      this.#address = kept.address;
      this.fields = kept.fields;
    }
  }

  get ended() {
    return ["done", "refused", "cancelled"].includes(this.state);
  }

  get id() {
    return this.#address?.split("/").pop() ?? null;
  }

  get left() {
    return this.speed ? (this.file.size - this.sent) / this.speed : null;
  }

  /** Until it is there, refused or cancelled; `turn` gives a place among those that send. */
  async run(turn) {
    let failures = 0;
    this.#become("waiting");
    while (!this.ended) {
      if (this.state === "paused") {
        await this.#woken();
        continue;
      }
      const before = this.sent;
      const leave = await turn();
      try {
        if (!this.ended && this.state !== "paused") await this.#send();
      } catch (error) {
        if (this.ended || this.state === "paused") continue;
        if (!(error instanceof Refused) || !PASSING.includes(error.status)) {
          this.reason = error.message;
          this.#become("refused");
          continue;
        }
        failures = this.sent > before ? 0 : failures + 1;
        this.#become("lost");
        leave();
        await this.#woken(1000 * Math.max(error.after, WAITS[Math.min(failures, WAITS.length - 1)]));
        if (this.state === "lost") this.#become("waiting");
      } finally {
        leave();
      }
    }
  }

  pause() {
    if (this.ended) return;
    this.#become("paused");
    this.#piece?.abort();
    this.#wake?.();
  }

  goOn() {
    if (this.state === "paused") this.#become("waiting");
    this.#wake?.();
  }

  /** What came of it is thrown away, here and there. */
  cancel() {
    if (this.state === "done" || this.state === "cancelled") return;
    this.#become("cancelled");
    this.#piece?.abort();
    this.#wake?.();
    this.drop();
  }

  drop() {
    forget(this.file);
    if (this.#address) ask("DELETE", this.#address).catch(() => {});
    this.#address = null;
  }

  async #send() {
    this.#become("sending");
    if (this.#address) await this.#find();
    if (!this.#address) await this.#begin();
    this.#measured = { at: performance.now(), sent: this.sent };
    while (this.sent < this.file.size) {
      const end = Math.min(this.file.size, this.sent + PIECE);
      this.sent = await this.#sendPiece(this.sent, end);
      this.#tell();
    }
    this.answer = await (await ask("GET", this.#address)).json();
    if (!this.part) forget(this.file);
    this.#become("done");
  }

  async #begin() {
    const said = { filename: this.file.name, ...(this.file.type ? { filetype: this.file.type } : {}), ...this.fields };
    if (this.part) said.part = "true";
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": metadata(said) };
    const answer = await ask("POST", BASE, headers);
    this.#address = new URL(answer.headers.get("location"), location.href).pathname;
    this.sent = 0;
    remember(this.file, { address: this.#address, part: this.part, fields: this.fields, at: Date.now() });
  }

  /** Where to go on. One that is not there any more begins anew. */
  async #find() {
    try {
      const answer = await ask("HEAD", this.#address);
      const length = Number(answer.headers.get("upload-length"));
      if (length !== this.file.size) throw new Refused(404, "");
      this.sent = Number(answer.headers.get("upload-offset"));
    } catch (error) {
      if (![404, 410].includes(error.status)) throw error;
      this.#address = null;
      forget(this.file);
    }
  }

  /** A request of its own, as `fetch` does not say how much of a body has gone out. */
  #sendPiece(from, to) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      let timer = 0;
      const watch = () => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), SILENCE);
      };
      const end = (finish, value) => {
        clearTimeout(timer);
        this.#piece = null;
        finish(value);
      };
      request.open("PATCH", this.#address);
      request.setRequestHeader("Tus-Resumable", "1.0.0");
      request.setRequestHeader("Upload-Offset", String(from));
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.onprogress = (event) => {
        watch();
        this.sent = from + event.loaded;
        this.#measure();
        this.#tell();
      };
      request.onload = () => {
        const offset = Number(request.getResponseHeader("upload-offset"));
        if (request.status === 204) end(done, offset);
        else refusal(request.status, request.responseText, request.getResponseHeader("retry-after")).then((refused) => end(failed, refused));
      };
      request.onerror = () => end(failed, new Refused(0, ""));
      request.onabort = () => end(failed, new Refused(0, ""));
      this.#piece = request;
      watch();
      request.send(this.file.slice(from, to));
    });
  }

  #measure() {
    const now = performance.now();
    const seconds = (now - this.#measured.at) / 1000;
    if (seconds < 0.5) return;
    const speed = (this.sent - this.#measured.sent) / seconds;
    this.speed = this.speed === null ? speed : 0.7 * this.speed + 0.3 * speed;
    this.#measured = { at: now, sent: this.sent };
  }

  /** Until somebody goes on, the connection comes back, or the time is over. */
  #woken(milliseconds = 0) {
    return new Promise((done) => {
      const timer = milliseconds ? setTimeout(() => this.#wake(), milliseconds) : 0;
      const online = () => this.#wake();
      this.#wake = () => {
        clearTimeout(timer);
        removeEventListener("online", online);
        this.#wake = null;
        done();
      };
      if (milliseconds) addEventListener("online", online);
    });
  }

  #become(state) {
    this.state = state;
    if (state !== "sending") this.speed = null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** How far an upload of this file was that a page before began; null where there is none. */
export function remembered(file, part) {
  const kept = read(KEPT + key(file));
  return kept && kept.part === part && Date.now() - kept.at < KEPT_FOR ? kept : null;
}

export function forget(file) {
  localStorage.removeItem(KEPT + key(file));
}

/** Asks the service for JSON, or for nothing. Raises Refused. */
export async function ask(method, path, headers = {}, body = undefined) {
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: { "Tus-Resumable": "1.0.0", ...headers } });
  } catch {
    throw new Refused(0, "");
  }
  if (!answer.ok) throw await refusal(answer.status, await answer.text(), answer.headers.get("retry-after"));
  return answer;
}

async function refusal(status, text, after) {
  let problem = {};
  try {
    problem = JSON.parse(text) ?? {};
  } catch {
    // not from the service: a proxy's page says nothing to people
  }
  return new Refused(status, await reason(String(problem.detail || `HTTP ${status}`), problem), Number(after) || 0);
}

function metadata(fields) {
  const said = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const coded = (text) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
  return Object.entries(fields).map(([name, value]) => `${name} ${coded(said(value))}`).join(",");
}

const key = (file) => [file.name, file.size, file.lastModified].join(":");

function remember(file, kept) {
  for (const each of Object.keys(localStorage)) {
    if (each.startsWith(KEPT) && Date.now() - (read(each)?.at ?? 0) > KEPT_FOR) localStorage.removeItem(each);
  }
  localStorage.setItem(KEPT + key(file), JSON.stringify(kept));
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}
