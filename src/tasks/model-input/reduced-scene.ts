import { groundSize, scaleTransform } from '../../georef/index.js';
import { contains, fullWindow } from '../../raster/index.js';
import type { Raster, ReadOptions, ReducedReadOptions, Scene, Size, Window } from '../../raster/index.js';

/**
 * A scene whose pixels are squares of `factor × factor` pixels of another: averages of what has data, from reduced copies where
 * there are some. Up to `factor − 1` columns and rows at the right and lower edge are left out. For windows inside it only.
 */
export function reduceScene(scene: Scene, factor: number): Scene {
  const { profile } = scene;
  const size = { width: Math.floor(profile.width / factor), height: Math.floor(profile.height / factor) };
  const view = {
    ...profile, ...size, overviews: [], fingerprint: `${profile.fingerprint} by ${factor}`,
    blockWidth: Math.max(1, Math.round(profile.blockWidth / factor)), blockHeight: Math.max(1, Math.round(profile.blockHeight / factor)),
    ...(profile.transform === undefined ? {} : { transform: scaleTransform(profile.transform, factor, factor) }),
  };
  const whole = ({ x, y, width, height }: Window): Window => ({ x: x * factor, y: y * factor, width: width * factor, height: height * factor });
  return {
    profile: view,
    async read(window: Window, options: ReadOptions = {}): Promise<Raster> {
      if (!contains(fullWindow(view), window)) throw new RangeError(`expected a window inside ${view.width} × ${view.height} pixels, got x ${window.x}, y ${window.y}, ${window.width} × ${window.height}`);
      const { bands, signal } = options;
      return scene.readReduced(whole(window), { width: window.width, height: window.height }, { ...(bands === undefined ? {} : { bands }), ...(signal === undefined ? {} : { signal }) });
    },
    readReduced: (window: Window, reduced: Size, options: ReducedReadOptions = {}) => scene.readReduced(whole(window), reduced, options),
    close: () => scene.close(),
  };
}

/** Metres per pixel in the middle of a scene; `undefined` where it does not say. */
export function metresPerPixel({ transform, crs, width, height }: Scene['profile']): number | undefined {
  const ground = transform && groundSize(transform, crs, width / 2, height / 2);
  return ground && Math.sqrt(ground.width * ground.height);
}
