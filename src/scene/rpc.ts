import type { RationalCoefficients } from '../georef/index.js';

/** The ten offsets and scales, by GDAL's names; those of `.RPB` files are the keys of {@link RationalCoefficients} nearly. */
const NUMBERS = [
  ['LINE_OFF', 'lineOffset'], ['SAMP_OFF', 'sampleOffset'], ['LAT_OFF', 'latOffset'], ['LONG_OFF', 'longOffset'], ['HEIGHT_OFF', 'heightOffset'],
  ['LINE_SCALE', 'lineScale'], ['SAMP_SCALE', 'sampleScale'], ['LAT_SCALE', 'latScale'], ['LONG_SCALE', 'longScale'], ['HEIGHT_SCALE', 'heightScale'],
] as const;
const LISTS = [
  ['LINE_NUM_COEFF', 'lineNumerator'], ['LINE_DEN_COEFF', 'lineDenominator'], ['SAMP_NUM_COEFF', 'sampleNumerator'], ['SAMP_DEN_COEFF', 'sampleDenominator'],
] as const;
const TERMS = 20;

/** From the 92 numbers of tag 50844 (RPCs in GeoTIFF): two errors, ten offsets and scales, four times twenty coefficients. */
export function rpcFromTag(values: ArrayLike<number> | undefined): RationalCoefficients | undefined {
  if (values === undefined || values.length < 2 + NUMBERS.length + LISTS.length * TERMS) return undefined;
  const all = Array.from(values);
  return build(
    (_, i) => all[2 + i],
    (_, i) => all.slice(2 + NUMBERS.length + i * TERMS, 2 + NUMBERS.length + (i + 1) * TERMS),
  );
}

/** From GDAL's metadata items, where a list is one item with twenty numbers or, as in `_RPC.TXT`, twenty items. */
export function rpcFromItems(items: ReadonlyMap<string, string>): RationalCoefficients | undefined {
  return build(
    (name) => leadingNumber(items.get(name)),
    (name) => items.has(name)
      ? (items.get(name) ?? '').trim().split(/\s+/).map(Number)
      : Array.from({ length: TERMS }, (_, i) => leadingNumber(items.get(`${name}_${i + 1}`)) ?? Number.NaN),
  );
}

/** A text file `<name>_RPC.TXT` or `<name>_rpc.txt`: `LINE_OFF: +002059.00 pixels` line by line. */
export function rpcFromText(text: string): RationalCoefficients | undefined {
  return rpcFromItems(new Map([...text.matchAll(/^\s*(\w+)\s*:\s*(.+)$/gm)].map((match) => [match[1]!.toUpperCase(), match[2]!])));
}

/** DigitalGlobe's `.RPB`: `lineOffset = 15834;`, lists in brackets. */
export function rpcFromRpb(text: string): RationalCoefficients | undefined {
  const items = new Map([...text.matchAll(/(\w+)\s*=\s*(?:\(([^)]*)\)|([^;()]+?))\s*;/g)].map((match) => [
    match[1]!.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase().replace(/_OFFSET$/, '_OFF').replace(/_COEF$/, '_COEFF'),
    (match[2] ?? match[3] ?? '').replaceAll(',', ' '),
  ]));
  return rpcFromItems(items);
}

function build(
  number: (name: string, index: number) => number | undefined, list: (name: string, index: number) => readonly number[],
): RationalCoefficients | undefined {
  const numbers = NUMBERS.map(([name, key], i) => [key, number(name, i)] as const);
  const lists = LISTS.map(([name, key], i) => [key, list(name, i)] as const);
  const complete = numbers.every(([, value]) => Number.isFinite(value)) && lists.every(([, values]) => values.length === TERMS && values.every(Number.isFinite));
  const found: object = Object.fromEntries<unknown>([...numbers, ...lists]);
  return complete ? found as RationalCoefficients : undefined;
}

function leadingNumber(text: string | undefined): number | undefined {
  const found = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/i.exec(text ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}
