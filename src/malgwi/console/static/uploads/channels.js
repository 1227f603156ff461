/** Which files look like channels of one recording: by what they are called, and how long they are. */

const SIDES = ["left", "right", "mono", "mic", "caller", "callee", "agent", "customer", "왼쪽", "오른쪽", "상담원", "고객"];
const MARK = new RegExp(`(?<![a-z])(?:ch(?:annel)?|track|mic|spk|speaker|채널|트랙)?[ _.-]*\\d+|(?<![a-z])(?:${SIDES.join("|")}|[lr](?![a-z]))`, "giu");
/** Lengths that differ by less are about the same. */
const SECONDS = 2;
const SHARE = 0.02;
/** Where the length is not known the size stands for it, which says less. */
const SIZE_SHARE = 0.25;
const HEAD = 256 * 1024;

/** What is known of a file before it is sent. */
export async function look(file) {
  const found = await wave(file).catch(() => null);
  return { file, seconds: found && found.seconds, channels: found && found.channels };
}

/**
 * Those that could be one recording, in the order of their names; each group has two files or more.
 * @param {{file: File, seconds: number | null}[]} looked
 */
export function alike(looked) {
  const groups = [];
  const sorted = [...looked].sort((one, other) => one.file.name.localeCompare(other.file.name, undefined, { numeric: true }));
  for (const each of sorted) {
    const group = groups.find(([first]) => namedAlike(first.file.name, each.file.name) && sameLength(first, each));
    if (group) group.push(each);
    else groups.push([each]);
  }
  return groups.filter((group) => group.length > 1);
}

/** The name without the ending. */
export function stem(name) {
  return name.replace(/\.[^.]{1,5}$/u, "") || name;
}

/** What a recording of these files is called: what their names share. */
export function shared(names) {
  const [first, ...others] = names.map(stem);
  let length = first.length;
  for (const other of others) {
    while (!other.startsWith(first.slice(0, length))) length -= 1;
  }
  const trimmed = first.slice(0, length).replace(/[ _.(-]*(?:ch(?:annel)?|track|mic|채널|트랙)?[ _.(-]*0*$/iu, "");
  return others.length && trimmed ? trimmed : first;
}

/** Whether two names are equal but for one number, side or letter of a side. */
function namedAlike(one, other) {
  const [before, after] = [marks(one), marks(other)];
  if (one === other || before.length !== after.length) return false;
  if (plain(one) !== plain(other)) return false;
  return before.filter((mark, place) => mark !== after[place]).length === 1;
}

const marks = (name) => stem(name).toLowerCase().match(MARK) ?? [];
const plain = (name) => stem(name).toLowerCase().replace(MARK, "\u0000") + name.slice(stem(name).length).toLowerCase();

function sameLength(one, other) {
  if (one.seconds !== null && other.seconds !== null) {
    return Math.abs(one.seconds - other.seconds) <= Math.max(SECONDS, SHARE * one.seconds);
  }
  return Math.abs(one.file.size - other.file.size) <= SIZE_SHARE * Math.max(one.file.size, other.file.size);
}

/** Length and channels of a WAV file, from its head; null for another. */
async function wave(file) {
  const head = new DataView(await file.slice(0, HEAD).arrayBuffer());
  const tag = (at) => String.fromCharCode(...[0, 1, 2, 3].map((place) => head.getUint8(at + place)));
  if (head.byteLength < 44 || tag(0) !== "RIFF" || tag(8) !== "WAVE") return null;
  let rate = 0;
  let channels = 0;
  for (let at = 12; at + 8 <= head.byteLength; ) {
    const size = head.getUint32(at + 4, true);
    if (tag(at) === "fmt ") {
      channels = head.getUint16(at + 10, true);
      rate = head.getUint32(at + 16, true);
    }
    if (tag(at) === "data") return rate ? { seconds: Math.min(size, file.size - at - 8) / rate, channels } : null;
    at += 8 + size + (size % 2);
  }
  return null;
}
