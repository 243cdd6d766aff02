/** WKT names of a datum and of the geographic system on it. */
export interface DatumNames {
  readonly datum: string;
  readonly geographic: string;
  /** proj4's name of its ellipsoid. */
  readonly ellipsoid: string;
}

const ETRS89: DatumNames = { datum: 'European_Terrestrial_Reference_System_1989', geographic: 'ETRS89', ellipsoid: 'GRS80' };
const SWEREF99: DatumNames = { datum: 'SWEREF99', geographic: 'SWEREF99', ellipsoid: 'GRS80' };
const RGF93: DatumNames = { datum: 'Reseau_Geodesique_Francais_1993_v1', geographic: 'RGF93 v1', ellipsoid: 'GRS80' };
const GDA94: DatumNames = { datum: 'Geocentric_Datum_of_Australia_1994', geographic: 'GDA94', ellipsoid: 'GRS80' };
const NZGD2000: DatumNames = { datum: 'New_Zealand_Geodetic_Datum_2000', geographic: 'NZGD2000', ellipsoid: 'GRS80' };
const SIRGAS2000: DatumNames = { datum: 'Sistema_de_Referencia_Geocentrico_para_las_AmericaS_2000', geographic: 'SIRGAS 2000', ellipsoid: 'GRS80' };
const CH1903_PLUS: DatumNames = { datum: 'CH1903+', geographic: 'CH1903+', ellipsoid: 'bessel' };
const AMERSFOORT: DatumNames = { datum: 'Amersfoort', geographic: 'Amersfoort', ellipsoid: 'bessel' };
const MGI: DatumNames = { datum: 'Militar-Geographische_Institut', geographic: 'MGI', ellipsoid: 'bessel' };
const DHDN: DatumNames = { datum: 'Deutsches_Hauptdreiecksnetz', geographic: 'DHDN', ellipsoid: 'bessel' };

/** Ranges of EPSG codes and the datum of all systems in them that the list of definitions knows only by ellipsoid. */
const RANGES: readonly (readonly [first: number, last: number, names: DatumNames])[] = [
  [25828, 25838, ETRS89], [3034, 3035, ETRS89], [3040, 3051, ETRS89], [4258, 4258, ETRS89],
  [3006, 3018, SWEREF99], [4619, 4619, SWEREF99], [2154, 2154, RGF93], [3942, 3950, RGF93], [4171, 4171, RGF93],
  [3577, 3577, GDA94], [28348, 28358, GDA94], [4283, 4283, GDA94], [2193, 2193, NZGD2000], [4167, 4167, NZGD2000],
  [31965, 31985, SIRGAS2000], [4674, 4674, SIRGAS2000], [2056, 2056, CH1903_PLUS], [4150, 4150, CH1903_PLUS],
  [28992, 28992, AMERSFOORT], [4289, 4289, AMERSFOORT], [31254, 31259, MGI], [4312, 4312, MGI], [31466, 31469, DHDN],
  [4314, 4314, DHDN],
];

/** The datum behind an EPSG code, for the most used national systems. */
export function datumOfEpsg(code: number | undefined): DatumNames | undefined {
  return code === undefined ? undefined : RANGES.find(([first, last]) => code >= first && code <= last)?.[2];
}
