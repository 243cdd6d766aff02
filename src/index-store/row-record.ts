import type { LonLat } from '../georef/index.js';
import type { Window } from '../raster/index.js';
import type { IndexEntry, IndexSource } from './types.js';

/**
 * What `cache/rows.bin` holds of an entry, little-endian: lon, lat, place in `cache/texts.bin`, gsd (float64; NaN: none), x, y,
 * width, height (int32), reach (float32), scale, bytes of the id, bytes of the scene's path (0: the source's), points of the
 * outline (uint16), bytes of the tags (uint32). Behind that place in `texts.bin`: id and path (UTF-8), the outline (float64
 * pairs), the tags (JSON).
 */
export const RECORD_BYTES = 64;

const TEXT = { encoder: new TextEncoder(), decoder: new TextDecoder() };

/** Writes an entry's record at `at` of `view`. @returns what belongs to it in `texts.bin`. */
export function encodeRecord(entry: IndexEntry, source: IndexSource, textsOffset: number, view: DataView, at: number): Uint8Array {
  const id = TEXT.encoder.encode(entry.id);
  const scene = TEXT.encoder.encode(entry.scene === source.path ? '' : entry.scene);
  const tags = TEXT.encoder.encode(entry.tags === undefined ? '' : JSON.stringify(entry.tags));
  const ring = entry.footprint ?? [];
  for (const [length, what] of [[id.length, 'id'], [scene.length, 'path'], [ring.length, 'outline']] as const) {
    if (length > 0xffff) throw new RangeError(`${entry.id.slice(0, 80)}: ${what} of ${length}, 65535 fit`);
  }
  const { window } = entry;
  view.setFloat64(at, entry.lon ?? Number.NaN, true);
  view.setFloat64(at + 8, entry.lat ?? Number.NaN, true);
  view.setFloat64(at + 16, textsOffset, true);
  view.setFloat64(at + 24, entry.gsd ?? Number.NaN, true);
  view.setInt32(at + 32, window.x, true);
  view.setInt32(at + 36, window.y, true);
  view.setInt32(at + 40, window.width, true);
  view.setInt32(at + 44, window.height, true);
  view.setFloat32(at + 48, reachOf(entry), true);
  view.setUint16(at + 52, entry.scale, true);
  view.setUint16(at + 54, id.length, true);
  view.setUint16(at + 56, scene.length, true);
  view.setUint16(at + 58, ring.length, true);
  view.setUint32(at + 60, tags.length, true);
  const bytes = new Uint8Array(id.length + scene.length + ring.length * 16 + tags.length);
  bytes.set(id, 0);
  bytes.set(scene, id.length);
  const numbers = new DataView(bytes.buffer);
  ring.forEach(([lon, lat], i) => {
    numbers.setFloat64(id.length + scene.length + i * 16, lon, true);
    numbers.setFloat64(id.length + scene.length + i * 16 + 8, lat, true);
  });
  bytes.set(tags, bytes.length - tags.length);
  return bytes;
}

/** How far the outline is from the centre at most, in degrees along either axis, rounded up; 0 without one. */
function reachOf({ lon, lat, footprint }: IndexEntry): number {
  if (lon === undefined || lat === undefined || footprint === undefined) return 0;
  // Rings may run on past ±180, centres do not.
  const turn = 360 * Math.round((footprint[0]![0] - lon) / 360);
  const reach = Math.max(...footprint.map(([x, y]) => Math.max(Math.abs(x - turn - lon), Math.abs(y - lat))));
  return Math.fround(reach * (1 + 1e-6) + 1e-9);
}

/** Records of some rows with their texts, read without making objects of all of them. Numbers are from 0 within the batch. */
export interface EntryBatch {
  /** Row of the first. */
  readonly first: number;
  readonly count: number;
  id(i: number): string;
  /** Name of the source. */
  source(i: number): string;
  scene(i: number): string;
  window(i: number): Window;
  scale(i: number): number;
  /** Degrees; NaN without georeference. */
  lon(i: number): number;
  lat(i: number): number;
  /** How far the outline is from the centre at most, in degrees along either axis; 0 without one. */
  reach(i: number): number;
  footprint(i: number): readonly LonLat[] | undefined;
  tags(i: number): readonly string[] | undefined;
  entry(i: number): IndexEntry;
}

/** Where the texts of a record begin. */
export function textsBegin(records: DataView, i: number): number {
  return records.getFloat64(i * RECORD_BYTES + 16, true);
}

/** Bytes of the texts of a record. */
export function textsLength(records: DataView, i: number): number {
  const at = i * RECORD_BYTES;
  return records.getUint16(at + 54, true) + records.getUint16(at + 56, true) + records.getUint16(at + 58, true) * 16 + records.getUint32(at + 60, true);
}

/**
 * @param records of `count` rows
 * @param texts the bytes of `texts.bin` from `textsFirst` on that belong to them
 */
export function entryBatch(
  rows: { readonly first: number; readonly count: number }, records: DataView, texts: Uint8Array, textsFirst: number, sourceOf: (row: number) => IndexSource,
): EntryBatch {
  const numbers = new DataView(texts.buffer, texts.byteOffset, texts.byteLength);
  const begin = (i: number): number => textsBegin(records, i) - textsFirst;
  const u16 = (i: number, field: number): number => records.getUint16(i * RECORD_BYTES + field, true);
  const i32 = (i: number, field: number): number => records.getInt32(i * RECORD_BYTES + field, true);
  const f64 = (i: number, field: number): number => records.getFloat64(i * RECORD_BYTES + field, true);
  const text = (from: number, length: number): string => TEXT.decoder.decode(texts.subarray(from, from + length));
  const batch: EntryBatch = {
    ...rows,
    id: (i) => text(begin(i), u16(i, 54)),
    source: (i) => sourceOf(rows.first + i).name,
    scene: (i) => (u16(i, 56) === 0 ? sourceOf(rows.first + i).path : text(begin(i) + u16(i, 54), u16(i, 56))),
    window: (i) => ({ x: i32(i, 32), y: i32(i, 36), width: i32(i, 40), height: i32(i, 44) }),
    scale: (i) => u16(i, 52),
    lon: (i) => f64(i, 0),
    lat: (i) => f64(i, 8),
    reach: (i) => records.getFloat32(i * RECORD_BYTES + 48, true),
    footprint(i) {
      const points = u16(i, 58);
      const at = begin(i) + u16(i, 54) + u16(i, 56);
      return points === 0 ? undefined : Array.from({ length: points }, (_, k): LonLat => [numbers.getFloat64(at + k * 16, true), numbers.getFloat64(at + k * 16 + 8, true)]);
    },
    tags(i) {
      const length = records.getUint32(i * RECORD_BYTES + 60, true);
      return length === 0 ? undefined : JSON.parse(text(begin(i) + textsLength(records, i) - length, length)) as string[];
    },
    entry(i) {
      const gsd = f64(i, 24);
      const [lon, lat, footprint, tags] = [batch.lon(i), batch.lat(i), batch.footprint(i), batch.tags(i)];
      return {
        id: batch.id(i), source: batch.source(i), scene: batch.scene(i), window: batch.window(i), scale: batch.scale(i), ...(Number.isNaN(gsd) ? {} : { gsd }),
        ...(Number.isNaN(lon) || Number.isNaN(lat) ? {} : { lon, lat }), ...(footprint === undefined ? {} : { footprint }), ...(tags === undefined ? {} : { tags }),
      };
    },
  };
  return batch;
}
