import { footprintOf, pixelToCrs, toLonLat } from '../../georef/index.js';
import type { LonLat } from '../../georef/index.js';
import { fullWindow, intersect } from '../../raster/index.js';
import type { SceneProfile, Window } from '../../raster/index.js';

/** Where a chip lies on the ground. */
export interface ChipPlace {
  readonly centre?: LonLat;
  readonly footprint?: readonly LonLat[];
}

/** Places of a scene's windows. Of a window that reaches over the edge the part inside the scene counts. */
export function chipPlaces(profile: Pick<SceneProfile, 'width' | 'height' | 'transform' | 'crs'>): (window: Window) => ChipPlace {
  const { transform } = profile;
  const lonLat = toLonLat(profile.crs);
  if (transform === undefined || lonLat === undefined) return () => ({});
  return (window) => {
    const part = intersect(window, fullWindow(profile)) ?? window;
    const centre = lonLat(...pixelToCrs(transform, part.x + part.width / 2, part.y + part.height / 2));
    const footprint = footprintOf(transform, lonLat, part);
    return {
      ...(centre === undefined ? {} : { centre: normalized(centre) }),
      ...(footprint === undefined ? {} : { footprint }),
    };
  };
}

/** Longitude within −180 … 180. */
function normalized([lon, lat]: LonLat): LonLat {
  return [lon - 360 * Math.round(lon / 360), lat];
}
