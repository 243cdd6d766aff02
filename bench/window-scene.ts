import { createCog } from '../src/cog/index.js';
import type { Window } from '../src/raster/index.js';
import { openScene } from '../src/scene/index.js';

/** A part of a scene as a scene of its own. @returns its path */
export async function clipTo(path: string, window: Window, output: string): Promise<string> {
  const scene = await openScene(path);
  const { data, bands } = await scene.read(window, { bands: [0, 1, 2] });
  await scene.close();
  const writer = await createCog({ width: window.width, height: window.height, bands, dtype: 'uint8', scratch: `${output}.scratch` });
  await writer.write(data, window.height);
  await writer.finish(output);
  await writer.abort();
  return output;
}
