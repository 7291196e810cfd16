// Where frames come from: trainings on the server, or a recording. Both give frames in the same form.

import { decode } from "./draw.js";
import { unpack, Wire } from "./wire.js";

/** Turn a header and its blobs into a frame: { step, numbers, words, arrays: name -> { shape, values }, pictures }. */
function unpacked(header, blobs) {
  const arrays = {};
  for (const { name, shape, bits, low, high } of header.arrays) {
    const bytes = blobs.shift().slice(); // aligned
    const coded = bits === 8 ? bytes : new Uint16Array(bytes.buffer);
    const unit = (high - low) / (2 ** bits - 1);
    arrays[name] = { shape, values: Float32Array.from(coded, (value) => low + value * unit) };
  }
  return { step: header.step, numbers: header.numbers, words: header.words, arrays };
}

/** Frames from a recording of one training. */
async function unzipped(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { header, blobs } = unpack(await new Response(stream).arrayBuffer());
  const moments = [];
  for (const headers of header.moments) moments.push({ step: headers[0].step, frames: await unpackedAll(headers, blobs) });
  return moments;
}

/** The frames of all sides; takes their blobs from the front of `blobs`. */
async function unpackedAll(headers, blobs) {
  const frames = [];
  for (const header of headers) {
    const frame = unpacked(header, blobs);
    frame.pictures = await Promise.all(blobs.splice(0, header.pictures).map(decode));
    frames.push(frame);
  }
  return frames;
}

/** Trainings on the server. Each function returns a promise of { frames, positions }. */
export class Live {
  constructor(on) {
    this.wire = new Wire({ hello: on.hello, news: () => {}, lost: on.lost, error: on.error });
  }

  async ask(name, message) {
    const { header, blobs } = await this.wire.ask(name, message);
    return { frames: await unpackedAll(header.frames, blobs), positions: header.positions, changes: header.changes };
  }

  open(lesson, positions) {
    return this.ask("open", { lesson: lesson.name, positions });
  }

  advance(steps, milliseconds) {
    return this.ask("advance", { steps, milliseconds });
  }

  go(step) {
    return this.ask("go", { step });
  }

  change(positions, more = {}) {
    return this.ask("change", { positions, ...more });
  }

  place(x, y) {
    return this.ask("place", { x, y });
  }
}

/** A recording: for each combination of the knobs, the frames of every side at the same steps. */
export class Recorded {
  recorded = true;

  /** `lessons`: name -> { steps, takes: positions -> frames, gzipped and in base64 }. */
  constructor(lessons) {
    this.lessons = lessons;
    this.at = 0;
    this.opened = new Map();
  }

  async reply() {
    const take = await this.take(`${this.positions.join(",")}`);
    this.at = Math.min(this.at, take.length - 1);
    return { frames: take[this.at].frames, before: take.slice(0, this.at), positions: this.positions, end: this.at === take.length - 1 };
  }

  /** The frames of one combination of the knobs: [{ step, frames }]. */
  take(positions) {
    const key = `${this.lesson} ${positions}`;
    if (!this.opened.has(key)) this.opened.set(key, unzipped(this.lessons[this.lesson].takes[positions]));
    return this.opened.get(key);
  }

  open(lesson, positions) {
    [this.lesson, this.positions, this.at] = [lesson.name, positions, 0];
    return this.reply();
  }

  advance() {
    this.at += 1;
    return this.reply();
  }

  go(step) {
    const { steps } = this.lessons[this.lesson];
    this.at = steps.reduce((best, each, place) => (Math.abs(each - step) < Math.abs(steps[best] - step) ? place : best), 0);
    return this.reply();
  }

  change(positions) {
    this.positions = positions;
    return this.reply();
  }
}
