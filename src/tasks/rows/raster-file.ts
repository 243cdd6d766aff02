import { join } from 'node:path';
import { classSidecar, encodeTiff, type CogOptions, type TiffDescription, type TiffPacking } from '../../cog/index.js';
import { bytesPerSample, type Raster, type Scene, type Window } from '../../raster/index.js';
import { checkOutput, mayReplace, oldSidecars, placeFiles, refuseInputs, writeWhole, type InputFile } from '../../run/index.js';

/** Folder of the unfinished file and the journal of a raster that is written. */
export function partialOf(output: string): string {
  return `${output}.partial`;
}

export interface RasterOutputCheck {
  readonly output: string;
  readonly inputs: readonly InputFile[];
  readonly option: string;
  readonly overwrite: boolean;
}

/**
 * Checks the place of a raster before it is made. An unfinished run of this output has been through this already: its file may
 * stand under its final name.
 * @throws {InvalidOptionError | OutputError}
 */
export async function checkRasterOutput({ output, inputs, option, overwrite }: RasterOutputCheck): Promise<void> {
  await refuseInputs(output, partialOf(output), inputs, option);
  // What lies beside it belongs to it, also where the file itself is gone: it is replaced or removed with it.
  for (const path of [output, `${output}.aux.xml`, ...oldSidecars(output)]) {
    await checkOutput(path, { overwrite: overwrite || await mayReplace(partialOf(output), path), option, inFolderThere: true });
  }
}

export interface FinishedRaster {
  /** The finished file, in the output's folder for unfinished files. */
  readonly temporary: string;
  readonly output: string;
  readonly description: TiffDescription;
  readonly option: string;
  readonly overwrite: boolean;
}

/**
 * Gives a finished raster its final name, with class names for GDAL older than 3.12 beside it; what belonged to a file that is
 * replaced goes.
 * @throws {InvalidOptionError} if another file is there by now and may not be replaced
 */
export async function placeRaster({ temporary, output, description, option, overwrite }: FinishedRaster): Promise<void> {
  const partial = partialOf(output);
  const text = classSidecar(description);
  const sidecar = { temporary: join(partial, 'classes.aux.xml'), path: `${output}.aux.xml` };
  if (text !== undefined) await writeWhole(sidecar.temporary, text);
  await placeFiles({
    partial, overwrite, option, files: [...(text === undefined ? [] : [sidecar]), { temporary, path: output }],
    stale: [...oldSidecars(output), ...(text === undefined ? [sidecar.path] : [])],
  });
}

/** Edge of the windows that are packed to see how small a scene gets, and how many of them. */
const PROBE_EDGE = 512;
const PROBES = 4;
/** Overviews halve both ways: 1 + 1/4 + 1/16 … */
const WITH_OVERVIEWS = 4 / 3;

/** About the length of a file that is made of a scene's pixels. */
export async function estimateRasterBytes(scene: Scene, window: Window, bands: readonly number[], cog: CogOptions, signal?: AbortSignal): Promise<number> {
  const share = await packedShare(scene, window, bands, cog, signal);
  return Math.ceil(cog.width * cog.height * cog.bands * bytesPerSample(cog.dtype) * share * (cog.overviews === 'none' ? 1 : WITH_OVERVIEWS));
}

/** Packed bytes per byte of a scene's samples, measured by packing windows along its diagonal; at most 1. */
export async function packedShare(
  scene: Scene, window: Window, bands: readonly number[], tiff: TiffDescription & TiffPacking, signal?: AbortSignal,
): Promise<number> {
  const width = Math.min(PROBE_EDGE, window.width);
  const height = Math.min(PROBE_EDGE, window.height);
  let [raw, packed] = [0, 0];
  for (let i = 0; i < PROBES; i++) {
    const at = (size: number, length: number): number => Math.floor(((length - size) * (i + 0.5)) / PROBES);
    const part = { x: window.x + at(width, window.width), y: window.y + at(height, window.height), width, height };
    const raster = await scene.read(part, { bands, ...(signal ? { signal } : {}) });
    raw += raster.data.byteLength;
    packed += await packedBytes(raster, tiff);
  }
  return Math.min(1, packed / raw);
}

/** Length of a raster's samples when packed. */
export async function packedBytes(raster: Raster, { compression, quality, level, predictor, palette, alphaBand }: TiffDescription & TiffPacking): Promise<number> {
  const lossy = compression === 'jpeg' || compression === 'webp';
  const pieces = await encodeTiff(raster, { compression, ...(lossy ? { quality } : {}), level, predictor, palette, alphaBand, inPlace: true });
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
