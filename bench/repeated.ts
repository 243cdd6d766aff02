import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from './rounds.js';

/**
 * A VRT of GDAL's that repeats a real scene to the right and downwards up to a square of size pixels, its colours and bands kept: real ground at any size.
 * A copy lies further away than the windows in which compressors look for what they have seen.
 */
export async function repeatedScene(file: string, size: number, folder: string): Promise<string> {
  const vrt = join(folder, 'repeated.vrt');
  await runProcess('gdal_translate', ['-q', '-of', 'VRT', file, vrt]);
  const one = await readFile(vrt, 'utf8');
  const { width, height } = one.match(/rasterXSize="(?<width>\d+)" rasterYSize="(?<height>\d+)"/)!.groups!;
  const repeated = one.replace(/rasterXSize="\d+" rasterYSize="\d+"/, `rasterXSize="${size}" rasterYSize="${size}"`)
    .replace(/<SimpleSource>[^]*?<\/SimpleSource>/g, (source) => [...copies(Number(width), Number(height), size)].map(({ x, y, across, down }) => source
      .replace(/<SrcRect[^>]*>/, `<SrcRect xOff="0" yOff="0" xSize="${across}" ySize="${down}" />`)
      .replace(/<DstRect[^>]*>/, `<DstRect xOff="${x}" yOff="${y}" xSize="${across}" ySize="${down}" />`)).join('\n'));
  await writeFile(vrt, repeated);
  return vrt;
}

function* copies(width: number, height: number, size: number): Generator<{ x: number; y: number; across: number; down: number }> {
  for (let y = 0; y < size; y += height) for (let x = 0; x < size; x += width) yield { x, y, across: Math.min(width, size - x), down: Math.min(height, size - y) };
}
