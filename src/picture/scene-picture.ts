import type { Scene } from '../raster/index.js';
import { composePng } from './picture.js';
import { displayStretch, thumbnailPicture } from './stretch.js';
import { sceneThumbnail } from './thumbnail.js';
import type { ThumbnailOptions } from './thumbnail.js';

/** A scene, or a part of it, in few pixels, as a PNG; pixels without data are transparent. */
export async function scenePicture(scene: Scene, options: ThumbnailOptions = {}): Promise<Buffer> {
  const thumbnail = await sceneThumbnail(scene, options);
  const { width, height } = thumbnail;
  return composePng({
    width, height, background: [255, 255, 255, 0], pictures: [{ picture: thumbnailPicture(thumbnail, displayStretch(thumbnail, scene.profile)), x: 0, y: 0 }],
  });
}
