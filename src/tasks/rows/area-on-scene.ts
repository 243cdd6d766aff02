import { InvalidOptionError } from '../../errors.js';
import { footprint, fromLonLat } from '../../georef/index.js';
import type { Crs, PlacedGrid, Transform } from '../../georef/index.js';
import { fullWindow, intersect } from '../../raster/index.js';
import { liesExchanged, placeArea } from './area.js';
import type { Area, AreaFile, Rings } from './area.js';

/** A scene, or the grid that it is brought to. */
export interface ScenePlace {
  /** For messages. */
  readonly source: string;
  readonly width: number;
  readonly height: number;
  readonly transform?: Transform | undefined;
  readonly crs?: Crs | undefined;
}

/** Points along an edge of a scene whose longitudes and latitudes tell about where it lies. */
const EDGE_PIECES = 16;

/**
 * Puts the polygons of a file onto a scene. Those that the scene's CRS has no place for are left out where they lie elsewhere.
 * @throws {InvalidOptionError} if the scene has no place on the ground, or the polygons are not on it
 */
export function areaOnScene({ path, polygons }: Pick<AreaFile, 'path' | 'polygons'>, place: ScenePlace): Area {
  const { transform, crs, source } = place;
  if (transform === undefined || crs === undefined || fromLonLat(crs) === undefined) {
    throw new InvalidOptionError('--aoi', `${path} cannot be placed on ${source}`, { advice: 'the scene needs a georeference whose CRS is known' });
  }
  const grid: PlacedGrid = { width: place.width, height: place.height, transform, crs };
  let area = placeArea(polygons, grid);
  if (area === undefined) {
    const near = polygons.filter((rings) => placeArea([rings], grid) !== undefined || mayTouch(rings, grid));
    if (near.length > 0) area = placeArea(near, grid);
    if (near.length > 0 && area === undefined) throw new InvalidOptionError('--aoi', `a polygon of ${path} has corners without a place in ${crs.name}, the CRS of ${source}`, { advice: 'cut it to what is near the scene' });
  }
  if (area !== undefined && intersect(area.bounds, fullWindow(grid)) !== undefined) return area;
  throw new InvalidOptionError('--aoi', `the polygons of ${path} lie outside of ${source}`, liesExchanged(polygons, grid)
    ? { advice: 'the longitude comes first (RFC 7946): with the two exchanged they lie on it' } : {});
}

/** Whether a polygon may lie on a grid, by the longitudes and latitudes that the two reach over. */
function mayTouch(rings: Rings, grid: PlacedGrid): boolean {
  const outline = footprint(grid.transform, grid.crs, fullWindow(grid), { piecesPerEdge: EDGE_PIECES });
  if (outline === undefined) return true;
  const [mine, other] = [reach(outline), reach(rings.flat())];
  return mine.south <= other.north && other.south <= mine.north
    && [-360, 0, 360].some((turn) => mine.west + turn <= other.east && other.west <= mine.east + turn);
}

function reach(points: readonly (readonly [number, number])[]): { readonly west: number; readonly east: number; readonly south: number; readonly north: number } {
  return points.reduce((all, [lon, lat]) => (
    { west: Math.min(all.west, lon), east: Math.max(all.east, lon), south: Math.min(all.south, lat), north: Math.max(all.north, lat) }
  ), { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity });
}
