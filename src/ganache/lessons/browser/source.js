// Where frames come from: trainings on the server, or a recording. Both give frames in the same form.

import { decode } from "./draw.js";
import { Wire } from "./wire.js";

/** Turn a header and its blobs into a frame: { step, numbers, words, arrays: name -> { shape, values }, pictures }. */
export function unpacked(header, blobs) {
  const arrays = {};
  for (const { name, shape, bits, low, high } of header.arrays) {
    const bytes = blobs.shift().slice(); // aligned
    const coded = bits === 8 ? bytes : new Uint16Array(bytes.buffer);
    const unit = (high - low) / (2 ** bits - 1);
    arrays[name] = { shape, values: Float32Array.from(coded, (value) => low + value * unit) };
  }
  return { step: header.step, numbers: header.numbers, words: header.words, arrays };
}

/** Trainings on the server. Each function returns a promise of { frames, positions }. */
export class Live {
  constructor(on) {
    this.wire = new Wire({ hello: on.hello, news: () => {}, lost: on.lost, error: on.error });
  }

  async ask(name, message) {
    const { header, blobs } = await this.wire.ask(name, message);
    const arrays = blobs.slice();
    const frames = [];
    for (const each of header.frames) {
      const frame = unpacked(each, arrays);
      frame.pictures = await Promise.all(arrays.splice(0, each.pictures ?? 0).map(decode));
      frames.push(frame);
    }
    return { frames, positions: header.positions };
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

  constructor(recording) {
    this.recording = recording; // lesson -> { steps, takes: positions -> promise of frames[moment][side] }
    this.at = 0;
  }

  async reply() {
    const take = await this.recording[this.lesson].take(this.positions);
    this.at = Math.min(this.at, take.length - 1);
    return { frames: take[this.at], positions: this.positions, end: this.at === take.length - 1 };
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
    const { steps } = this.recording[this.lesson];
    this.at = steps.reduce((best, each, place) => (Math.abs(each - step) < Math.abs(steps[best] - step) ? place : best), 0);
    return this.reply();
  }

  change(positions) {
    this.positions = positions;
    return this.reply();
  }
}
