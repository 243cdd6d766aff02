import type { Crs, GroundControl, RationalCoefficients, Transform } from '../georef/index.js';
import type { SceneProfile } from '../raster/index.js';
import type { Sidecars } from './sidecars.js';

/** What a file itself says of its place. */
export interface InnerPlace {
  readonly transform?: Transform;
  readonly crs?: Crs;
  readonly gcps?: GroundControl;
  readonly rpc?: RationalCoefficients;
}

export type Place = Pick<SceneProfile, 'transform' | 'crs' | 'gcps' | 'rpc'>;

/** Where a transform may come from: GDAL's sidecar, the file itself, a world file. */
export type PlaceSource = 'aux' | 'inside' | 'world';

/** The order of GDAL's GeoTIFF, JPEG and WebP drivers (GDAL_GEOREF_SOURCES). */
export const AUX_FIRST: readonly PlaceSource[] = ['aux', 'inside', 'world'];

/** The order of GDAL's PNG driver. */
export const WORLD_FIRST: readonly PlaceSource[] = ['inside', 'world', 'aux'];

const IDENTITY = [0, 1, 0, 0, 0, 1] as const;

/**
 * Chooses among the places that a file and its sidecars tell, each thing on its own, as GDAL does: the CRS from the
 * `.aux.xml`, then the file, then the `.prj` (which GDAL ignores); RPCs from their own file, then `.aux.xml`, then the file.
 * `used` gets the names of the sidecars that were taken, `notes` what people should know.
 */
export function choosePlace(inside: InnerPlace, beside: Sidecars, order: readonly PlaceSource[], used: Set<string>, notes: string[]): Place {
  const pam = beside.pam?.value;
  const take = (name: string | undefined, what: string): void => {
    if (name === undefined) return;
    used.add(name);
    if (what !== '') notes.push(`the ${what} comes from ${name} beside it`);
  };
  let transform: Transform | undefined;
  for (const from of order) {
    const found = from === 'aux' ? pam?.transform : from === 'inside' ? inside.transform : beside.world?.value;
    if (found === undefined) continue;
    transform = found;
    if (from !== 'inside') take(from === 'aux' ? beside.pam?.name : beside.world?.name, 'transform');
    break;
  }
  const crs = pam?.crs ?? inside.crs ?? pam?.gcps?.crs ?? beside.prj?.value;
  if (crs !== undefined && crs !== inside.crs) take(crs === beside.prj?.value ? beside.prj.name : beside.pam?.name, 'coordinate system');
  const gcps = pam?.gcps ?? inside.gcps;
  if (gcps !== undefined && gcps !== inside.gcps) take(beside.pam?.name, '');
  const rpc = beside.rpc?.value ?? pam?.rpc ?? inside.rpc;
  if (rpc !== undefined && rpc !== inside.rpc) take(rpc === beside.rpc?.value ? beside.rpc.name : beside.pam?.name, '');
  // Some writers store "pixel coordinates" as a transform; without a CRS that is no place.
  if (crs === undefined && transform !== undefined && IDENTITY.every((value, i) => value === transform?.[i])) transform = undefined;
  if (transform === undefined && gcps !== undefined) {
    notes.push(`placed by ${gcps.points.length} ground control points, which are not used to move pixels; warp it first, for example with gdalwarp`);
  } else if (transform === undefined && rpc !== undefined) {
    notes.push('placed by a camera model (RPC), which is not used to move pixels; warp it first, for example with gdalwarp -rpc');
  }
  return {
    ...(transform === undefined ? {} : { transform }), ...(crs === undefined ? {} : { crs }),
    ...(gcps === undefined ? {} : { gcps }), ...(rpc === undefined ? {} : { rpc }),
  };
}
