import { proj4OfEpsg } from './crs-from-epsg.js';
import { child, nameOf, parseWkt } from './wkt-tree.js';
import type { WktNode } from './wkt-tree.js';
import { parseProj4 } from './proj4-text.js';
import { wktFor } from './wkt-for.js';
import type { Crs } from './types.js';

/** A CRS as PROJJSON (https://proj.org/specifications/projjson.html). */
export type ProjJson = { readonly [key: string]: unknown };

const SCHEMA = 'https://proj.org/schemas/v0.7/projjson.schema.json';

/** EPSG's parameters of conversions: code and name. */
const PARAMETER = {
  latitude: [8801, 'Latitude of natural origin'], longitude: [8802, 'Longitude of natural origin'], scale: [8805, 'Scale factor at natural origin'],
  east: [8806, 'False easting'], north: [8807, 'False northing'],
  falseLatitude: [8821, 'Latitude of false origin'], falseLongitude: [8822, 'Longitude of false origin'],
  parallel1: [8823, 'Latitude of 1st standard parallel'], parallel2: [8824, 'Latitude of 2nd standard parallel'],
  falseEast: [8826, 'Easting at false origin'], falseNorth: [8827, 'Northing at false origin'],
  standardParallel: [8832, 'Latitude of standard parallel'], originLongitude: [8833, 'Longitude of origin'],
  centreLatitude: [8811, 'Latitude of projection centre'], centreLongitude: [8812, 'Longitude of projection centre'],
  azimuth: [8813, 'Azimuth at projection centre'], angle: [8814, 'Angle from Rectified to Skew Grid'],
  centreScale: [8815, 'Scale factor at projection centre'], centreEast: [8816, 'Easting at projection centre'], centreNorth: [8817, 'Northing at projection centre'],
} as const;

type ParameterName = keyof typeof PARAMETER;

interface Method {
  readonly code: number;
  readonly name: string;
  /** Parameters in EPSG's order, with their names in WKT 1; a number stands for itself. */
  readonly parameters: readonly (readonly [ParameterName, string | number])[];
}

const OFFSETS = [['east', 'false_easting'], ['north', 'false_northing']] as const;
const FALSE_OFFSETS = [['falseEast', 'false_easting'], ['falseNorth', 'false_northing']] as const;
const NATURAL = [['latitude', 'latitude_of_origin'], ['longitude', 'central_meridian'], ['scale', 'scale_factor'], ...OFFSETS] as const;
const NATURAL_UNSCALED = [['latitude', 'latitude_of_origin'], ['longitude', 'central_meridian'], ...OFFSETS] as const;

/** By WKT 1's names of projections, those that `wktFor` writes. */
const METHODS: Readonly<Record<string, Method>> = {
  Transverse_Mercator: { code: 9807, name: 'Transverse Mercator', parameters: NATURAL },
  Mercator_1SP: { code: 9804, name: 'Mercator (variant A)', parameters: [['latitude', 0], ['longitude', 'central_meridian'], ['scale', 'scale_factor'], ...OFFSETS] },
  Mercator_2SP: { code: 9805, name: 'Mercator (variant B)', parameters: [['parallel1', 'standard_parallel_1'], ['longitude', 'central_meridian'], ...OFFSETS] },
  Lambert_Conformal_Conic_2SP: {
    code: 9802, name: 'Lambert Conic Conformal (2SP)',
    parameters: [['falseLatitude', 'latitude_of_origin'], ['falseLongitude', 'central_meridian'], ['parallel1', 'standard_parallel_1'], ['parallel2', 'standard_parallel_2'], ...FALSE_OFFSETS],
  },
  Lambert_Conformal_Conic_1SP: { code: 9801, name: 'Lambert Conic Conformal (1SP)', parameters: NATURAL },
  Albers_Conic_Equal_Area: {
    code: 9822, name: 'Albers Equal Area',
    parameters: [['falseLatitude', 'latitude_of_center'], ['falseLongitude', 'longitude_of_center'], ['parallel1', 'standard_parallel_1'], ['parallel2', 'standard_parallel_2'], ...FALSE_OFFSETS],
  },
  Lambert_Azimuthal_Equal_Area: { code: 9820, name: 'Lambert Azimuthal Equal Area', parameters: [['latitude', 'latitude_of_center'], ['longitude', 'longitude_of_center'], ...OFFSETS] },
  Oblique_Stereographic: { code: 9809, name: 'Oblique Stereographic', parameters: NATURAL },
  Cassini_Soldner: { code: 9806, name: 'Cassini-Soldner', parameters: NATURAL_UNSCALED },
  Polyconic: { code: 9818, name: 'American Polyconic', parameters: NATURAL_UNSCALED },
  Cylindrical_Equal_Area: { code: 9835, name: 'Lambert Cylindrical Equal Area', parameters: [['parallel1', 'standard_parallel_1'], ['longitude', 'central_meridian'], ...OFFSETS] },
  Hotine_Oblique_Mercator_Azimuth_Center: {
    code: 9815, name: 'Hotine Oblique Mercator (variant B)',
    parameters: [['centreLatitude', 'latitude_of_center'], ['centreLongitude', 'longitude_of_center'], ['azimuth', 'azimuth'], ['angle', 'rectified_grid_angle'], ['centreScale', 'scale_factor'],
      ['centreEast', 'false_easting'], ['centreNorth', 'false_northing']],
  },
};

/** By the same names, of projections of the sphere that has the ellipsoid's area (`+R_A`), which WKT 1 does not tell apart. */
const SPHERICAL: Readonly<Record<string, Method>> = {
  Lambert_Azimuthal_Equal_Area: { code: 1027, name: 'Lambert Azimuthal Equal Area (Spherical)', parameters: [['latitude', 'latitude_of_center'], ['longitude', 'longitude_of_center'], ...OFFSETS] },
};

const PSEUDO_MERCATOR: Method = { code: 1024, name: 'Popular Visualisation Pseudo Mercator', parameters: [['latitude', 0], ['longitude', 'central_meridian'], ...OFFSETS] };
const POLAR_A: Method = { code: 9810, name: 'Polar Stereographic (variant A)', parameters: NATURAL };
const POLAR_B: Method = { code: 9829, name: 'Polar Stereographic (variant B)', parameters: [['standardParallel', 'latitude_of_origin'], ['originLongitude', 'central_meridian'], ...OFFSETS] };

/**
 * PROJJSON of a CRS, as GeoParquet wants it, made from the CRS's definition, with its EPSG code as id. `undefined` where the
 * definition or the projection is not known here.
 */
export function projJsonFor(crs: Crs | undefined): ProjJson | undefined {
  if (crs === undefined) return undefined;
  const definition = crs.proj4 ?? (crs.epsg === undefined ? undefined : proj4OfEpsg(crs.epsg));
  if (definition === undefined) return undefined;
  const { wkt: _wkt, ...plain } = crs;
  const text = wktFor({ ...plain, proj4: definition });
  const root = text === undefined ? undefined : parseWkt(text);
  if (root === undefined) return undefined;
  const id = crs.epsg === undefined ? {} : { id: { authority: 'EPSG', code: crs.epsg } };
  if (root.keyword === 'GEOGCS') return { $schema: SCHEMA, type: 'GeographicCRS', ...geographic(root), ...id };
  const base = child(root, 'GEOGCS');
  const method = parseProj4(definition).has('R_A') ? SPHERICAL[nameOf(child(root, 'PROJECTION')!)] : methodOf(root);
  if (base === undefined || method === undefined) return undefined;
  const unit = unitOf(child(root, 'UNIT'), 'LinearUnit');
  const values = new Map(root.items.flatMap((item) => (typeof item === 'object' && item.keyword === 'PARAMETER' ? [[nameOf(item), Number(item.items[1])] as const] : [])));
  return {
    $schema: SCHEMA, type: 'ProjectedCRS', name: nameOf(root), base_crs: { type: 'GeographicCRS', ...geographic(base) },
    conversion: {
      name: nameOf(root), method: { name: method.name, id: { authority: 'EPSG', code: method.code } },
      parameters: method.parameters.map(([parameter, source]) => {
        const [code, name] = PARAMETER[parameter];
        const value = typeof source === 'number' ? source : values.get(source) ?? 0;
        const isScale = parameter === 'scale' || parameter === 'centreScale';
        const isLength = /east|north/i.test(parameter);
        return { name, value, unit: isScale ? 'unity' : isLength ? unit : 'degree', id: { authority: 'EPSG', code } };
      }),
    },
    coordinate_system: {
      subtype: 'Cartesian',
      axis: [{ name: 'Easting', abbreviation: 'E', direction: 'east', unit }, { name: 'Northing', abbreviation: 'N', direction: 'north', unit }],
    },
    ...id,
  };
}

function methodOf(root: WktNode): Method | undefined {
  const projection = child(root, 'PROJECTION');
  if (projection === undefined) return undefined;
  if (child(root, 'EXTENSION') !== undefined) return PSEUDO_MERCATOR;
  const name = nameOf(projection);
  if (name !== 'Polar_Stereographic') return METHODS[name];
  const origin = root.items.find((item) => typeof item === 'object' && item.keyword === 'PARAMETER' && nameOf(item) === 'latitude_of_origin');
  return typeof origin === 'object' && Math.abs(Number(origin.items[1])) === 90 ? POLAR_A : POLAR_B;
}

function geographic(node: WktNode): ProjJson {
  const datum = child(node, 'DATUM')!;
  const spheroid = child(datum, 'SPHEROID')!;
  const meridian = child(node, 'PRIMEM');
  const longitude = Number(meridian?.items[1] ?? 0);
  const flattening = Number(spheroid.items[2]);
  const [a] = [Number(spheroid.items[1])];
  return {
    name: nameOf(node),
    datum: {
      type: 'GeodeticReferenceFrame', name: DATUM_NAMES[nameOf(datum)] ?? nameOf(datum).replaceAll('_', ' '),
      ellipsoid: flattening === 0 ? { name: nameOf(spheroid), radius: a } : { name: nameOf(spheroid), semi_major_axis: a, inverse_flattening: flattening },
      ...(longitude === 0 ? {} : { prime_meridian: { name: nameOf(meridian!), longitude } }),
    },
    coordinate_system: {
      subtype: 'ellipsoidal',
      axis: [
        { name: 'Geodetic latitude', abbreviation: 'Lat', direction: 'north', unit: 'degree' },
        { name: 'Geodetic longitude', abbreviation: 'Lon', direction: 'east', unit: 'degree' },
      ],
    },
  };
}

/** Names that WKT 1 has of its own. */
const DATUM_NAMES: Readonly<Record<string, string>> = {
  WGS_1984: 'World Geodetic System 1984', North_American_Datum_1983: 'North American Datum 1983', North_American_Datum_1927: 'North American Datum 1927',
};

function unitOf(node: WktNode | undefined, type: string): unknown {
  const factor = Number(node?.items[1] ?? 1);
  return node === undefined || factor === 1 ? 'metre' : { type, name: nameOf(node), conversion_factor: factor };
}
