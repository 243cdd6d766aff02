/**
 * Ellipsoids by PROJ's names that proj4 does not know (WGS72 and APL4.9 by a slip of its own), with PROJ's numbers: semi-major axis in metres
 * and inverse flattening. proj4 silently takes WGS 84 for a name that it does not know.
 */
const UNKNOWN: Readonly<Record<string, string>> = {
  WGS72: '+a=6378135 +rf=298.26', 'APL4.9': '+a=6378137 +rf=298.25', GSK2011: '+a=6378136.5 +rf=298.2564151',
  PZ90: '+a=6378136 +rf=298.25784', danish: '+a=6377019.2563 +rf=300',
};

/** A definition with the axes of its ellipsoid where proj4 does not know the ellipsoid's name. */
export function withKnownEllipsoid(definition: string): string {
  return definition.replace(/\+ellps=(\S+)/, (whole, name: string) => UNKNOWN[name] ?? whole);
}
