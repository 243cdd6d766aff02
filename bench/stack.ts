import { createCog } from '../src/cog/index.js';
import { openScene } from '../src/scene/index.js';

/** The scene several times below itself, packed like the scene (JPEG where that is JPEG). */
export async function stack(path: string, to: string, times: number): Promise<void> {
  const scene = await openScene(path);
  const { width, height, bands, dtype, compression } = scene.profile;
  const writer = await createCog({
    width, height: height * times, bands, dtype, scratch: `${to}.scratch`, overviews: 'none',
    ...(/jpeg/i.test(compression) ? { compression: 'jpeg' as const } : { level: 1 }),
  });
  for (let copy = 0; copy < times; copy++) {
    for (let y = 0; y < height; y += 512) {
      const rows = Math.min(512, height - y);
      await writer.write((await scene.read({ x: 0, y, width, height: rows })).data, rows);
    }
  }
  await writer.finish(to);
  await writer.abort();
  await scene.close();
}
