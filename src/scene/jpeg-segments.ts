/** Markers of JPEG (ITU-T T.81, table B.1) that are told apart here. */
export const MARKER = { soi: 0xd8, eoi: 0xd9, sos: 0xda, dnl: 0xdc, app0: 0xe0, app1: 0xe1, app14: 0xee } as const;

/** One marker segment; `start` is the marker's first byte, `data` its content without marker and length. */
export interface Segment {
  readonly marker: number;
  readonly start: number;
  readonly end: number;
  readonly data: Uint8Array;
}

/**
 * The segments of a JPEG stream up to and with the first start of scan, or as far as the bytes go. `complete` says
 * whether the start of scan (or the end) was reached; otherwise `next` is where the stream has to be read on.
 */
export function readSegments(bytes: Uint8Array): { segments: Segment[]; complete: boolean; next: number } {
  const segments: Segment[] = [];
  let at = bytes[0] === 0xff && bytes[1] === MARKER.soi ? 2 : 0;
  for (;;) {
    // Any number of fill bytes may stand before a marker, and damaged files have stray ones.
    while (at < bytes.length && bytes[at] !== 0xff) at++;
    while (at + 1 < bytes.length && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    if (marker === undefined) return { segments, complete: false, next: at };
    if (marker === MARKER.eoi) return { segments, complete: true, next: at };
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) { at += 2; continue; }
    const high = bytes[at + 2];
    const low = bytes[at + 3];
    if (high === undefined || low === undefined) return { segments, complete: false, next: at };
    const end = at + 2 + Math.max(2, high * 256 + low);
    if (end > bytes.length) return { segments, complete: false, next: at };
    segments.push({ marker, start: at, end, data: bytes.subarray(at + 4, end) });
    if (marker === MARKER.sos) return { segments, complete: true, next: end };
    at = end;
  }
}

/** Start of frame: any of the thirteen kinds. */
export function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

export interface Frame {
  readonly precision: number;
  readonly height: number;
  readonly width: number;
  readonly components: number;
  readonly progressive: boolean;
  /** Arithmetic coding, lossless and hierarchical kinds, which nothing here decodes. */
  readonly unusual: boolean;
}

export function parseFrame(segment: Segment): Frame | undefined {
  const [precision, y1, y0, x1, x0, components] = segment.data;
  if (precision === undefined || y1 === undefined || y0 === undefined || x1 === undefined || x0 === undefined || components === undefined) return undefined;
  return {
    precision, height: y1 * 256 + y0, width: x1 * 256 + x0, components,
    progressive: segment.marker === 0xc2, unusual: segment.marker > 0xc2,
  };
}

/** The colour transform of Adobe's APP14 segment: 0 none, 1 YCbCr, 2 YCCK. `undefined` if the segment is another one. */
export function adobeTransform(segment: Segment): number | undefined {
  if (segment.marker !== MARKER.app14 || segment.data.length < 12) return undefined;
  return String.fromCharCode(...segment.data.subarray(0, 5)) === 'Adobe' ? segment.data[11] : undefined;
}
