import type { DataType, SceneProfile } from '../raster/index.js';
import { joinMetadata } from './free-metadata.js';
import { nodataOfType } from './nodata.js';
import type { Pam, PamBand } from './pam.js';
import type { Beside } from './sidecars.js';

export type BandDescription = Pick<SceneProfile,
  'nodata' | 'bandNodata' | 'alphaBand' | 'photometric' | 'bandNames' | 'palette' | 'classNames' | 'scaling' | 'units' | 'statistics' | 'metadata'>;

/**
 * What the bands are: each thing from the `.aux.xml` where that has it, else from the file itself (as GDAL ≥ 3.10 does; older
 * ones prefer the file's own names, scales and offsets). Notes the sidecar in `used` if it changed something.
 */
export function describeBands(
  size: { readonly bands: number; readonly dtype: DataType }, inside: BandDescription, aux: Beside<Pam> | undefined, used: Set<string>, notes: string[],
): BandDescription {
  if (aux === undefined) return inside;
  const { bands } = size;
  const each = Array.from({ length: bands }, (_, band) => aux.value.bands.get(band));
  const list = <T>(mine: (band: PamBand) => T | undefined, theirs: readonly (T | undefined)[] | undefined): (T | undefined)[] | undefined => {
    const found = each.map((band) => (band === undefined ? undefined : mine(band)));
    if (found.every((value) => value === undefined)) return undefined;
    used.add(aux.name);
    return found.map((value, band) => value ?? theirs?.[band]);
  };
  const nodata = nodataOf(size, each, inside, aux, used, notes);
  const names = list((band) => band.name, inside.bandNames);
  const scales = list((band) => (band.scale === undefined && band.offset === undefined ? undefined : { scale: band.scale ?? 1, offset: band.offset ?? 0 }), inside.scaling);
  const units = list((band) => band.unit, inside.units);
  const statistics = list((band) => band.statistics, inside.statistics);
  const metadata = joinMetadata(inside.metadata, aux.value.metadata(bands));
  const alpha = each.findIndex((band) => band?.isAlpha === true);
  const first = each[0];
  const palette = bands === 1 ? first?.palette : undefined;
  const classNames = bands === 1 ? first?.categories : undefined;
  if (alpha >= 0 || palette !== undefined || classNames !== undefined) used.add(aux.name);
  const { nodata: _value, bandNodata: _values, ...rest } = inside;
  return {
    ...rest, ...nodata,
    ...(alpha < 0 ? {} : { alphaBand: alpha }),
    ...(names === undefined ? {} : { bandNames: names.map((name, band) => name ?? `band ${band + 1}`) }),
    ...(scales === undefined ? {} : { scaling: scales.map((value) => value ?? { scale: 1, offset: 0 }) }),
    ...(units === undefined ? {} : { units: units.map((unit) => unit ?? '') }),
    ...(statistics === undefined ? {} : { statistics }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(palette === undefined ? {} : { palette }),
    ...(classNames === undefined ? {} : { classNames }),
  };
}

function nodataOf(
  size: { readonly bands: number; readonly dtype: DataType }, each: readonly (PamBand | undefined)[], inside: BandDescription, aux: Beside<Pam>, used: Set<string>, notes: string[],
): Pick<BandDescription, 'nodata' | 'bandNodata'> {
  const together = aux.value.nodataValues;
  const own = Array.from({ length: size.bands }, (_, band) => inside.bandNodata?.[band] ?? (inside.bandNodata === undefined ? inside.nodata : undefined));
  const values = together !== undefined && together.length >= size.bands ? together : each.map((band) => band?.nodata);
  if (values.every((value) => value === undefined)) return nodataFields(own);
  used.add(aux.name);
  return nodataFields(own.map((value, band) => {
    const found = values[band];
    if (found === undefined) return value;
    const typed = nodataOfType(found, size.dtype);
    if (typed === undefined) notes.push(`nodata ${found} of ${aux.name} cannot be a value of ${size.dtype} and was ignored`);
    return typed ?? value;
  }));
}

/** One nodata value where all bands share it, else the list. */
export function nodataFields(values: readonly (number | undefined)[]): Pick<BandDescription, 'nodata' | 'bandNodata'> {
  const first = values.find((value) => value !== undefined);
  if (first === undefined) return {};
  return values.every((value) => Object.is(value, first)) ? { nodata: first } : { nodata: first, bandNodata: values };
}
