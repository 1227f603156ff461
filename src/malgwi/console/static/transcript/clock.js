/** Moments of a recording, as people read and write them. */

/**
 * 1:02:03 or 02:03, with tenths where they are asked for.
 * @param {number} seconds
 * @param {number} [digits] behind the point
 */
export function spoken(seconds, digits = 0) {
  const unit = 10 ** digits;
  const all = Math.floor(Math.max(0, seconds) * unit + 1e-6) / unit;
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  const rest = (all % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${hours ? `${hours}:` : ""}${String(minutes).padStart(2, "0")}:${rest}`;
}

/**
 * The time of day, where it is known when the recording started.
 * @param {number} started ms
 * @param {number} seconds
 */
export function ofDay(started, seconds) {
  const at = new Date(started + seconds * 1000);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((each) => String(each).padStart(2, "0"))
    .join(":");
}

/** Seconds since midnight when the recording started. @param {number} started ms */
export function sinceMidnight(started) {
  const at = new Date(started);
  return at.getHours() * 3600 + at.getMinutes() * 60 + at.getSeconds() + at.getMilliseconds() / 1000;
}

/**
 * The moment that a link is to: #t=123.4 or #t=1:02:03.
 * @param {string} hash
 * @returns {number | null}
 */
export function momentOf(hash) {
  const found = /(?:^#|&)t=([\d:.]+)/.exec(hash);
  if (!found) return null;
  const seconds = found[1].split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number.isFinite(seconds) ? seconds : null;
}
