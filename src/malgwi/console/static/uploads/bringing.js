/** One recording on its way: its files, and at the end what the service made of them. */

import { Refused, Upload, ask, forget } from "./tus.js";

const AT_ONCE = 2;
const WAIT = 5000;
const PASSING = [0, 429, 502, 503, 504];

/** Two files are sent at once; the others wait for their turn. */
export class Turns {
  #free = AT_ONCE;
  #waiting = [];

  /** What gives the turn back; calling it again does nothing. */
  async take() {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((mine) => this.#waiting.push(mine));
    let mine = true;
    return () => {
      if (!mine) return;
      mine = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
  }
}

export class Bringing extends EventTarget {
  /** Of the service: `recording`, and whether it was here already. */
  result = null;
  reason = "";
  #making = false;
  #cancelled = false;

  /** @param {{name: string, files: File[], fields: Record<string, any>}} wanted @param {Turns} turns */
  constructor({ name, files, fields }, turns) {
    super();
    this.name = name;
    this.fields = fields;
    this.turns = turns;
    const several = files.length > 1;
    this.uploads = files.map((file) => new Upload(file, several ? {} : fields, several));
    for (const each of this.uploads) each.addEventListener("change", () => this.dispatchEvent(new Event("change")));
  }

  get several() {
    return this.uploads.length > 1;
  }

  /** waiting, sending, paused, lost, making, done, refused, cancelled: what there is to say first. */
  get state() {
    if (this.result) return "done";
    if (this.#cancelled) return "cancelled";
    if (this.reason) return "refused";
    if (this.#making) return "making";
    const states = this.uploads.map((each) => each.state);
    return ["refused", "lost", "paused", "sending", "waiting"].find((each) => states.includes(each)) ?? "making";
  }

  get said() {
    return this.reason || this.uploads.find((each) => each.state === "refused")?.reason || "";
  }

  get isUnderWay() {
    return !["done", "refused", "cancelled"].includes(this.state);
  }

  get size() {
    return this.uploads.reduce((sum, each) => sum + each.file.size, 0);
  }

  get sent() {
    return this.uploads.reduce((sum, each) => sum + each.sent, 0);
  }

  get speed() {
    const known = this.uploads.filter((each) => each.speed !== null);
    return known.length ? known.reduce((sum, each) => sum + each.speed, 0) : null;
  }

  get left() {
    return this.speed ? (this.size - this.sent) / this.speed : null;
  }

  async run() {
    this.reason = "";
    const open = this.uploads.filter((each) => each.state !== "done");
    await Promise.all(open.map((each) => each.run(() => this.turns.take())));
    if (this.#cancelled || this.uploads.some((each) => each.state !== "done")) return this.#tell();
    this.#making = true;
    this.#tell();
    try {
      this.result = await this.#made();
    } catch (error) {
      this.reason = error.message;
    }
    this.#making = false;
    this.#tell();
  }

  pause() {
    for (const each of this.uploads) each.pause();
  }

  goOn() {
    for (const each of this.uploads) each.goOn();
  }

  cancel() {
    this.#cancelled = true;
    for (const each of this.uploads) {
      if (each.state === "done") each.drop();
      else each.cancel();
    }
    this.#tell();
  }

  /** @returns {Promise<{recording: any, duplicate: boolean}>} */
  async #made() {
    if (this.several) return this.#patiently(() => this.#together());
    const upload = this.uploads[0].answer;
    const recording = await this.#patiently(async () => (await ask("GET", `/v1/recordings/${upload.recording}`)).json());
    return { recording, duplicate: new Date(recording.created) < new Date(upload.created) };
  }

  async #together() {
    const body = JSON.stringify({ uploads: this.uploads.map((each) => each.id), name: this.name, ...this.fields });
    const answer = await ask("POST", "/v1/recordings", { "Content-Type": "application/json" }, body);
    for (const each of this.uploads) forget(each.file);
    return answer.json();
  }

  async #patiently(work) {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Refused) || !PASSING.includes(error.status) || this.#cancelled) throw error;
        await new Promise((done) => setTimeout(done, Math.max(WAIT, 1000 * error.after)));
      }
    }
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
