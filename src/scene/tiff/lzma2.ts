/** Probabilities of one literal context, bit trees and states of LZMA (lzma-specification.txt of the LZMA SDK, Igor Pavlov). */
const PROB_INIT = 1024;
const STATES = 12;
const POS_STATES_MAX = 16;
const MATCH_MIN = 2;

/** Decodes lengths: 2–9, 10–17 by position, 18–273. */
interface LengthModel { readonly choice: Uint16Array; readonly low: Uint16Array; readonly mid: Uint16Array; readonly high: Uint16Array }

interface Model {
  readonly literal: Uint16Array;
  readonly isMatch: Uint16Array;
  readonly isRep: Uint16Array;
  readonly isRep0Long: Uint16Array;
  readonly repKind: Uint16Array;
  readonly slot: Uint16Array;
  readonly special: Uint16Array;
  readonly align: Uint16Array;
  readonly matchLength: LengthModel;
  readonly repLength: LengthModel;
}

const probabilities = (count: number): Uint16Array => new Uint16Array(count).fill(PROB_INIT);
const lengthModel = (): LengthModel => ({ choice: probabilities(2), low: probabilities(POS_STATES_MAX * 8), mid: probabilities(POS_STATES_MAX * 8), high: probabilities(256) });

function createModel(literalBits: number): Model {
  return {
    literal: probabilities(0x300 << literalBits), isMatch: probabilities(STATES * POS_STATES_MAX), isRep: probabilities(STATES),
    isRep0Long: probabilities(STATES * POS_STATES_MAX), repKind: probabilities(STATES * 3), slot: probabilities(4 * 64), special: probabilities(128), align: probabilities(16),
    matchLength: lengthModel(), repLength: lengthModel(),
  };
}

/** Reads bits by their probabilities. What lies beyond the end of its bytes counts as damage. */
class RangeDecoder {
  #range = 0xffffffff;
  #code = 0;
  #at: number;

  constructor(readonly source: Uint8Array, start: number, readonly end: number) {
    if (source[start] !== 0 || start + 5 > end) throw new RangeError('the LZMA data are damaged');
    for (let i = 1; i < 5; i++) this.#code = (this.#code << 8 | source[start + i]!) >>> 0;
    this.#at = start + 5;
  }

  #normalize(): void {
    if (this.#range >= 0x1000000) return;
    if (this.#at >= this.end) throw new RangeError('the LZMA data end early');
    this.#range = (this.#range << 8) >>> 0;
    this.#code = (this.#code << 8 | this.source[this.#at++]!) >>> 0;
  }

  /** At the end of whole chunks nothing is left over: libtiff writes no checksums, so that this alone tells of damage. */
  finish(): void {
    this.#normalize();
    if (this.#code !== 0 || this.#at !== this.end) throw new RangeError('the LZMA data are damaged');
  }

  bit(model: Uint16Array, index: number): number {
    this.#normalize();
    const probability = model[index]!;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      model[index] = probability + ((2048 - probability) >> 5);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    model[index] = probability - (probability >> 5);
    return 1;
  }

  /** Bits of even odds, highest first. */
  direct(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      this.#normalize();
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = value * 2 + bit;
    }
    return value;
  }

  tree(model: Uint16Array, base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = node << 1 | this.bit(model, base + node);
    return node - (1 << bits);
  }

  reverseTree(model: Uint16Array, base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(model, base + node);
      node = node << 1 | bit;
      value |= bit << i;
    }
    return value;
  }

  length(model: LengthModel, posState: number): number {
    if (this.bit(model.choice, 0) === 0) return MATCH_MIN + this.tree(model.low, posState * 8, 3);
    if (this.bit(model.choice, 1) === 0) return MATCH_MIN + 8 + this.tree(model.mid, posState * 8, 3);
    return MATCH_MIN + 16 + this.tree(model.high, 0, 8);
  }
}

/**
 * Decodes a sequence of LZMA2 chunks (the .xz file format, section 5.3.1) from `start` into `target`, which is its own
 * dictionary. Stops when the target is full or the sequence ends. Returns where it stopped: bytes read to, bytes written.
 * @throws {RangeError} if the data are damaged or end early
 */
export function decodeLzma2(source: Uint8Array, start: number, target: Uint8Array): { readonly next: number; readonly written: number; readonly isWhole: boolean } {
  let at = start;
  let to = 0;
  let dictionary = 0;
  let model: Model | undefined;
  let lc = 0;
  let lp = 0;
  let pb = 0;
  let state = 0;
  let reps: [number, number, number, number] = [0, 0, 0, 0];
  let isCut = false;
  const ends = (count: number): void => { if (at + count > source.length) throw new RangeError('the LZMA data end early'); };

  const decodeChunk = (packed: number, unpacked: number): void => {
    const coder = new RangeDecoder(source, at, at + packed);
    const { literal, isMatch, isRep, isRep0Long, repKind, slot, special, align, matchLength, repLength } = model!;
    const posMask = (1 << pb) - 1;
    const literalMask = (1 << lp) - 1;
    const whole = to + unpacked;
    const stop = Math.min(target.length, whole);
    while (to < stop) {
      const posState = (to - dictionary) & posMask;
      if (coder.bit(isMatch, state * POS_STATES_MAX + posState) === 0) {
        const previous = to > dictionary ? target[to - 1]! : 0;
        const base = 0x300 * ((((to - dictionary) & literalMask) << lc) + (previous >> (8 - lc)));
        let symbol = 1;
        if (state >= 7) {
          let match = target[to - reps[0] - 1]!;
          do {
            const matchBit = match >> 7 & 1;
            match = match << 1 & 0xff;
            const bit = coder.bit(literal, base + ((1 + matchBit) << 8) + symbol);
            symbol = symbol << 1 | bit;
            if (bit !== matchBit) break;
          } while (symbol < 0x100);
        }
        while (symbol < 0x100) symbol = symbol << 1 | coder.bit(literal, base + symbol);
        target[to++] = symbol;
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        continue;
      }
      let length: number;
      if (coder.bit(isRep, state) !== 0) {
        if (coder.bit(repKind, state * 3) === 0) {
          if (coder.bit(isRep0Long, state * POS_STATES_MAX + posState) === 0) {
            if (reps[0] >= to - dictionary) throw new RangeError('the LZMA data are damaged');
            target[to] = target[to - reps[0] - 1]!;
            to++;
            state = state < 7 ? 9 : 11;
            continue;
          }
        } else if (coder.bit(repKind, state * 3 + 1) === 0) {
          reps = [reps[1], reps[0], reps[2], reps[3]];
        } else if (coder.bit(repKind, state * 3 + 2) === 0) {
          reps = [reps[2], reps[0], reps[1], reps[3]];
        } else {
          reps = [reps[3], reps[0], reps[1], reps[2]];
        }
        length = coder.length(repLength, posState);
        state = state < 7 ? 8 : 11;
      } else {
        length = coder.length(matchLength, posState);
        state = state < 7 ? 7 : 10;
        const distanceSlot = coder.tree(slot, Math.min(length - MATCH_MIN, 3) * 64, 6);
        let distance = distanceSlot;
        if (distanceSlot >= 4) {
          const bits = (distanceSlot >> 1) - 1;
          distance = (2 | distanceSlot & 1) * 2 ** bits;
          if (distanceSlot < 14) distance += coder.reverseTree(special, distance - distanceSlot, bits);
          else distance += coder.direct(bits - 4) * 16 + coder.reverseTree(align, 0, 4);
        }
        reps = [distance, reps[0], reps[1], reps[2]];
      }
      if (reps[0] >= to - dictionary) throw new RangeError('the LZMA data are damaged');
      if (to + length > whole) throw new RangeError('the LZMA data are damaged');
      const end = Math.min(stop, to + length);
      for (let from = to - reps[0] - 1; to < end;) target[to++] = target[from++]!;
    }
    if (to === whole) coder.finish();
    else isCut = true;
  };

  for (;;) {
    ends(1);
    const control = source[at++]!;
    if (control === 0 || to === target.length) return { next: at, written: to, isWhole: control === 0 && !isCut };
    if (control < 0x80) {
      if (control > 2) throw new RangeError('the LZMA data are damaged');
      ends(2);
      const size = source[at]! * 256 + source[at + 1]! + 1;
      at += 2;
      ends(size);
      if (control === 1) dictionary = to;
      const part = source.subarray(at, at + Math.min(size, target.length - to));
      isCut ||= part.length < size;
      target.set(part, to);
      to += part.length;
      at += size;
      continue;
    }
    ends(5);
    const unpacked = (control & 31) * 65536 + source[at]! * 256 + source[at + 1]! + 1;
    const packed = source[at + 2]! * 256 + source[at + 3]! + 1;
    at += 4;
    const reset = control >> 5 & 3;
    if (reset === 3) dictionary = to;
    if (reset >= 2) {
      const properties = source[at++]!;
      pb = Math.floor(properties / 45);
      lp = Math.floor(properties / 9) % 5;
      lc = properties % 9;
      if (pb > 4 || lc + lp > 4) throw new RangeError('the LZMA data are damaged');
    }
    if (reset >= 1) {
      model = createModel(lc + lp);
      state = 0;
      reps = [0, 0, 0, 0];
    }
    if (model === undefined) throw new RangeError('the LZMA data are damaged');
    ends(packed);
    decodeChunk(packed, unpacked);
    at += packed;
  }
}
