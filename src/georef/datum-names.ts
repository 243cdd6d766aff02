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

/** Names of datums in WKT, letters and digits only, and the EPSG code of the geographic system on them. */
const GEOGRAPHIC_CODES: ReadonlyMap<string, number> = new Map([
  ['wgs1984', 4326], ['wgs84', 4326], ['worldgeodeticsystem1984', 4326], ['worldgeodeticsystem1984ensemble', 4326],
  ['northamericandatum1983', 4269], ['northamerican1983', 4269], ['northamericandatum1927', 4267], ['northamerican1927', 4267],
  ['europeanterrestrialreferencesystem1989', 4258], ['europeanterrestrialreferencesystem1989ensemble', 4258], ['etrs1989', 4258],
  ['rgf1993', 4171], ['reseaugeodesiquefrancais1993', 4171], ['reseaugeodesiquefrancais1993v1', 4171], ['amersfoort', 4289],
  ['mgi', 4312], ['militargeographischeinstitut', 4312], ['militargeographischesinstitut', 4312], ['deutscheshauptdreiecksnetz', 4314],
  ['osgb1936', 4277], ['ordnancesurveyofgreatbritain1936', 4277], ['ch1903', 4149], ['ch1903plus', 4150], ['gda1994', 4283],
  ['geocentricdatumofaustralia1994', 4283], ['nzgd2000', 4167], ['newzealandgeodeticdatum2000', 4167], ['sirgas2000', 4674],
  ['sistemadereferenciageocentricoparalasamericas2000', 4674], ['sweref99', 4619], ['southamerican1969', 4618],
  ['southamericandatum1969', 4618], ['european1950', 4230], ['europeandatum1950', 4230], ['pulkovo1942', 4284], ['jgd2000', 4612],
  ['japanesegeodeticdatum2000', 4612], ['tokyo', 4301], ['hartebeesthoek1994', 4148], ['sjtsk', 4156], ['systemjtsk', 4156],
  ['systemoftheunifiedtrigonometricalcadastralnetwork', 4156], ['montemario', 4265], ['lisbon', 4207], ['lisboa', 4207],
  ['china2000', 4490], ['arc1960', 4210], ['adindan', 4201], ['indian1975', 4240],
]);

/** The geographic EPSG code of a WKT datum name, ESRI's (`D_WGS_1984`) or OGC's (`WGS_1984`). */
export function geographicCodeOfDatum(name: string): number | undefined {
  const bare = name.replace(/^D_/, '').replaceAll('+', 'plus').toLowerCase().replace(/[^a-z0-9]/g, '');
  return GEOGRAPHIC_CODES.get(bare);
}
