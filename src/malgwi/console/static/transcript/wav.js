/** Reads the WAV that the gateway writes: 16-bit samples of all channels in turn. */

/** @typedef {{rate: number, frames: number, channels: Int16Array[]}} Samples */

/**
 * @param {ArrayBuffer} bytes
 * @returns {Samples} one array a channel
 */
export function readWav(bytes) {
  const view = new DataView(bytes);
  if (view.byteLength < 44 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE") {
    throw new Error("This is no WAV.");
  }
  let channels = 0;
  let rate = 0;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (tag(view, at) === "fmt ") {
      channels = view.getUint16(at + 10, true);
      rate = view.getUint32(at + 12, true);
      if (view.getUint16(at + 22, true) !== 16) throw new Error("Samples have 16 bits here.");
    } else if (tag(view, at) === "data") {
      const length = Math.min(size, view.byteLength - at - 8); // a stream does not know its size
      return { rate, ...planar(bytes, at + 8, length, channels) };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error("This WAV has no samples.");
}

/** @param {DataView} view @param {number} at */
function tag(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((each) => view.getUint8(at + each)));
}

/**
 * @param {ArrayBuffer} bytes
 * @param {number} at
 * @param {number} length
 * @param {number} count channels
 */
function planar(bytes, at, length, count) {
  const frames = Math.floor(length / 2 / count);
  const taken = new Int16Array(at % 2 ? bytes.slice(at) : bytes, at % 2 ? 0 : at, frames * count);
  const channels = Array.from({ length: count }, (_, channel) => {
    const samples = new Int16Array(frames);
    for (let frame = 0, from = channel; frame < frames; frame++, from += count) {
      samples[frame] = taken[from];
    }
    return samples;
  });
  return { frames, channels };
}
