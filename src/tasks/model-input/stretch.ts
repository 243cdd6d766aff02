import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import type { AppliedStretch, LinearRule, Scene, SceneProfile } from '../../raster/index.js';
import { sampleValues, stretchScene } from '../../scene/index.js';
import { sceneDataTypes } from '../model-input.js';

/**
 * How a scene's values reach a model that was made for others. `percentile` and `minmax`: two values become 0 and 255, what is
 * below or above is clamped; `scale`: `value × factor + offset`.
 */
export type StretchRule =
  | { readonly kind: 'percentile'; readonly low: number; readonly high: number }
  | { readonly kind: 'minmax'; readonly low: number; readonly high: number }
  | { readonly kind: 'scale'; readonly factor: number; readonly offset: number };

const FORMS = 'percentile:2,98, minmax:LOW,HIGH or scale:FACTOR,OFFSET';

/**
 * `percentile:2,98` · `minmax:0,3000` · `scale:0.0255,0`
 * @throws {InvalidOptionError} for anything else.
 */
export function parseStretch(text: string): StretchRule {
  const match = /^(percentile|minmax|scale):([^,:]+)[,:]([^,:]+)$/.exec(text.trim());
  const [a, b] = [Number(match?.[2]), Number(match?.[3])];
  if (match === null || !Number.isFinite(a) || !Number.isFinite(b)) throw new InvalidOptionError('--stretch', `expected ${FORMS}, got '${text}'`);
  const kind = match[1] as StretchRule['kind'];
  if (kind === 'scale') {
    if (a === 0) throw new InvalidOptionError('--stretch', 'expected a factor other than 0');
    return { kind, factor: a, offset: b };
  }
  if (kind === 'percentile' && !(a >= 0 && b <= 100)) throw new InvalidOptionError('--stretch', `expected percentiles from 0 to 100, got ${a} and ${b}`);
  if (!(a < b)) throw new InvalidOptionError('--stretch', `expected the lower value first, got ${a} and ${b}`);
  return { kind, low: a, high: b };
}

/** A scene as a model is to see it. */
export interface StretchedScene {
  readonly scene: Scene;
  /** Absent where the values are left as they are. */
  readonly stretch?: AppliedStretch;
}

/**
 * Applies a stretch to a scene. Percentiles are measured once, over a sample of the whole scene, nodata left out.
 * @throws {InvalidFileError} if there is nothing to measure; {@link InvalidOptionError} if the model takes no such values.
 */
export async function applyStretch(scene: Scene, card: ModelCard, stretch: StretchRule | undefined, signal?: AbortSignal): Promise<StretchedScene> {
  if (stretch === undefined) return { scene };
  const applied = await stretchFor(scene.profile, { card, stretch, valuesOf: (bands) => sampleValues(scene, bands, signal) });
  return { scene: withStretch(scene, applied), stretch: applied };
}

export interface StretchSource {
  readonly card: ModelCard;
  readonly stretch: StretchRule;
  /** Values of these bands where there is data, per band, sorted; asked for percentiles only. */
  readonly valuesOf: (bands: readonly number[]) => Promise<readonly Float64Array[]>;
}

/** The rules of a stretch for scenes with the bands of this one. @throws as {@link applyStretch}. */
export async function stretchFor(profile: SceneProfile, { card, stretch, valuesOf }: StretchSource): Promise<AppliedStretch> {
  refusePalette(profile);
  const dtype = modelType(card, stretch);
  const rules = await rulesFor(profile, stretch, valuesOf);
  return { kind: stretch.kind, dtype, bands: rules.map((rule, band) => ({ band: band + 1, ...rule })) };
}

/** A scene under rules that are known. @throws {InvalidFileError} if it has other bands than they are for. */
export function withStretch(scene: Scene, { bands, dtype }: AppliedStretch): Scene {
  refusePalette(scene.profile);
  if (scene.profile.bands !== bands.length) {
    throw new InvalidFileError(scene.profile.source, `expected ${bands.length} bands as the first chip has, found ${scene.profile.bands}`, { advice: 'put chips of different kinds into different folders' });
  }
  return stretchScene(scene, bands, dtype);
}

function refusePalette({ palette, source }: SceneProfile): void {
  if (palette !== undefined) throw new InvalidOptionError('--stretch', `the values of ${source} are palette ids, which cannot be stretched`);
}

/** Bytes where the model takes them; else float32, which only `scale` can mean. */
function modelType(card: ModelCard, stretch: StretchRule): 'uint8' | 'float32' {
  const allowed = sceneDataTypes(card.input);
  if (allowed.includes('uint8')) return 'uint8';
  if (stretch.kind === 'scale' && allowed.includes('float32')) return 'float32';
  throw new InvalidOptionError('--stretch', `${card.name} takes ${allowed.join(' or ')} samples; ${stretch.kind} gives ${stretch.kind === 'scale' ? 'bytes or float32' : 'bytes'}`);
}

async function rulesFor(profile: SceneProfile, stretch: StretchRule, valuesOf: StretchSource['valuesOf']): Promise<LinearRule[]> {
  const bands = Array.from({ length: profile.bands }, (_, band) => band);
  const unchanged = { factor: 1, offset: 0 };
  const ofValues = (rule: LinearRule): LinearRule[] => bands.map((band) => (band === profile.alphaBand ? unchanged : rule));
  if (stretch.kind === 'scale') return ofValues({ factor: stretch.factor, offset: stretch.offset });
  if (stretch.kind === 'minmax') return ofValues(between(stretch.low, stretch.high));
  const measured = bands.filter((band) => band !== profile.alphaBand);
  const values = await valuesOf(measured);
  if (values.some(({ length }) => length === 0)) {
    throw new InvalidFileError(profile.source, 'expected values to measure for --stretch, found no data', { advice: 'give the values yourself: --stretch minmax:LOW,HIGH' });
  }
  return bands.map((band) => {
    const sorted = values[measured.indexOf(band)];
    if (sorted === undefined) return unchanged;
    const low = percentile(sorted, stretch.low);
    const high = percentile(sorted, stretch.high);
    // A band with one value only becomes black.
    return high > low ? between(low, high) : { factor: 0, offset: 0 };
  });
}

function between(low: number, high: number): LinearRule {
  const factor = 255 / (high - low);
  return { factor, offset: -low * factor };
}

/** Linear between the neighbours, as NumPy's default. */
function percentile(sorted: Float64Array, percent: number): number {
  const place = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(sorted.length - 1, below + 1)]!;
  return low + (high - low) * (place - below);
}
