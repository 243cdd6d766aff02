import type { DataType, Rgba } from '../../raster/index.js';
import { nodataFields } from '../describe-bands.js';
import type { BandDescription } from '../describe-bands.js';
import { freeMetadata } from '../free-metadata.js';
import { nodataOfType, parseNodata } from '../nodata.js';
import { numberList, statisticsOf } from '../pam.js';
import type { ColourConversion } from './colour-conversion.js';
import { alphaBand, readPalette } from './colours.js';
import type { Directory } from './directory.js';
import { bandNames, classNames, parseGdalMetadata } from './gdal-metadata.js';
import type { MetadataItem } from './gdal-metadata.js';
import type { TiffImage } from './pages.js';
import { PHOTOMETRIC, TAG } from './tags.js';

/** What the directory itself says of its bands. */
export async function readDescription(
  { directory, picture }: TiffImage, shape: { readonly bands: number; readonly dtype: DataType }, conversion: ColourConversion | undefined, notes: string[],
): Promise<BandDescription> {
  const xml = await directory.text(TAG.gdalMetadata);
  const items = xml === undefined ? [] : parseGdalMetadata(xml);
  const names = bandNames(items, shape.bands) ?? (picture.isComplex ? partNames(shape.bands) : undefined);
  const classes = classNames(items);
  const palette: Rgba[] | undefined = await readPalette(directory, picture);
  const alpha = conversion === undefined ? alphaBand(picture) : conversion.alphaBand;
  const scaling = scalingOf(items, shape.bands);
  const units = perBand(items, shape.bands, (item) => item.role === 'unittype', (text) => text);
  const statistics = statisticsByBand(items, shape.bands);
  const metadata = metadataOf(items, shape.bands);
  if (conversion !== undefined) notes.push(`${conversion.name} is turned into ${conversion.bands === 4 ? 'RGB with an opaque alpha' : 'RGB'}, without a colour profile`);
  return {
    ...await nodataInside(directory, items, shape, notes),
    ...(alpha === undefined ? {} : { alphaBand: alpha }),
    ...(picture.photometric === PHOTOMETRIC.rgb && shape.bands >= 3 ? { photometric: 'rgb' as const } : {}),
    ...(names === undefined ? {} : { bandNames: names }),
    ...(palette === undefined ? {} : { palette }),
    ...(classes === undefined ? {} : { classNames: classes }),
    ...(scaling === undefined ? {} : { scaling }),
    ...(units === undefined ? {} : { units: units.map((unit) => unit ?? '') }),
    ...(statistics === undefined ? {} : { statistics }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** What the bands of complex numbers are. */
function partNames(bands: number): string[] {
  return Array.from({ length: bands }, (_, band) => `${band % 2 === 0 ? 'real' : 'imaginary'}${bands === 2 ? '' : ` ${Math.floor(band / 2) + 1}`}`);
}

/** GDAL's nodata tag, one value for all bands, or its item `NODATA_VALUES`, which has one for each. */
async function nodataInside(
  directory: Directory, items: readonly MetadataItem[], shape: { readonly bands: number; readonly dtype: DataType }, notes: string[],
): Promise<Pick<BandDescription, 'nodata' | 'bandNodata'>> {
  const together = numberList(items.find((item) => item.name === 'NODATA_VALUES' && item.sample === undefined)?.value);
  if (together !== undefined && together.length >= shape.bands) {
    const values = together.slice(0, shape.bands).map((value) => nodataOfType(value, shape.dtype));
    if (values.every((value) => value !== undefined)) return nodataFields(values);
  }
  const text = await directory.text(TAG.gdalNodata);
  if (text === undefined || text.trim() === '') return {};
  const parsed = parseNodata(text);
  const value = parsed === undefined ? undefined : nodataOfType(parsed, shape.dtype);
  if (value === undefined) notes.push(`nodata "${text.trim()}" cannot be a value of ${shape.dtype} and was ignored`);
  return value === undefined ? {} : { nodata: value };
}

function scalingOf(items: readonly MetadataItem[], bands: number): BandDescription['scaling'] {
  const number = (text: string): number | undefined => (Number.isFinite(Number(text)) ? Number(text) : undefined);
  const scales = perBand(items, bands, (item) => item.role === 'scale', number);
  const offsets = perBand(items, bands, (item) => item.role === 'offset', number);
  if (scales === undefined && offsets === undefined) return undefined;
  return Array.from({ length: bands }, (_, band) => ({ scale: scales?.[band] ?? 1, offset: offsets?.[band] ?? 0 }));
}

function perBand<T>(items: readonly MetadataItem[], bands: number, wanted: (item: MetadataItem) => boolean, parse: (text: string) => T | undefined): (T | undefined)[] | undefined {
  const values = new Array<T | undefined>(bands).fill(undefined);
  for (const item of items) if (item.sample !== undefined && item.sample >= 0 && item.sample < bands && wanted(item)) values[item.sample] = parse(item.value);
  return values.some((value) => value !== undefined) ? values : undefined;
}

/** Items without a role and of the default domain. */
function metadataOf(items: readonly MetadataItem[], bands: number): BandDescription['metadata'] {
  const plain = items.filter(({ role, domain }) => (role ?? '') === '' && (domain ?? '') === '');
  const of = (band: number | undefined): (readonly [string, string])[] => plain.filter(({ sample }) => sample === band).map(({ name, value }) => [name, value] as const);
  return freeMetadata(of(undefined), Array.from({ length: bands }, (_, band) => of(band)));
}

function statisticsByBand(items: readonly MetadataItem[], bands: number): BandDescription['statistics'] {
  const byBand = new Map<number, Map<string, string>>();
  for (const { sample, name, value } of items) {
    if (sample === undefined || sample < 0 || sample >= bands) continue;
    const known = byBand.get(sample) ?? new Map<string, string>();
    byBand.set(sample, known.set(name, value));
  }
  const found = Array.from({ length: bands }, (_, band) => { const known = byBand.get(band); return known === undefined ? undefined : statisticsOf(known); });
  return found.some((value) => value !== undefined) ? found : undefined;
}
