/** Codes that follow each other: the first number of the name belongs to the first code. */
type Family = readonly [first: number, last: number, number: number, name: (number: number) => string];

const FAMILIES: readonly Family[] = [
  [32601, 32660, 1, (n) => `WGS 84 / UTM zone ${n}N`], [32701, 32760, 1, (n) => `WGS 84 / UTM zone ${n}S`],
  [25828, 25838, 28, (n) => `ETRS89 / UTM zone ${n}N`], [26901, 26923, 1, (n) => `NAD83 / UTM zone ${n}N`],
  [26701, 26722, 1, (n) => `NAD27 / UTM zone ${n}N`], [6330, 6348, 1, (n) => `NAD83(2011) / UTM zone ${n}N`], [23028, 23038, 28, (n) => `ED50 / UTM zone ${n}N`],
  [32201, 32260, 1, (n) => `WGS 72 / UTM zone ${n}N`], [32301, 32360, 1, (n) => `WGS 72 / UTM zone ${n}S`],
  [28348, 28358, 48, (n) => `GDA94 / MGA zone ${n}`], [7846, 7859, 46, (n) => `GDA2020 / MGA zone ${n}`],
  [31965, 31976, 11, (n) => `SIRGAS 2000 / UTM zone ${n}N`], [31977, 31985, 17, (n) => `SIRGAS 2000 / UTM zone ${n}S`], [29187, 29195, 17, (n) => `SAD69 / UTM zone ${n}S`],
  [3942, 3950, 42, (n) => `RGF93 v1 / CC${n}`], [2945, 2952, 3, (n) => `NAD83(CSRS) / MTM zone ${n}`],
  [31466, 31469, 2, (n) => `DHDN / 3-degree Gauss-Kruger zone ${n}`], [2225, 2230, 1, (n) => `NAD83 / California zone ${n} (ftUS)`],
];

const NAMES: ReadonlyMap<number, string> = new Map([
  [4326, 'WGS 84'], [4979, 'WGS 84'], [4258, 'ETRS89'], [4269, 'NAD83'], [4267, 'NAD27'], [4230, 'ED50'], [4322, 'WGS 72'], [4277, 'OSGB36'], [4283, 'GDA94'], [7844, 'GDA2020'],
  [4674, 'SIRGAS 2000'], [4167, 'NZGD2000'], [4272, 'NZGD49'], [4148, 'Hartebeesthoek94'], [4612, 'JGD2000'], [6668, 'JGD2011'], [4490, 'China Geodetic Coordinate System 2000'],
  [4610, 'Xian 1980'], [4214, 'Beijing 1954'], [4618, 'SAD69'], [4171, 'RGF93 v1'],
  // The world and its poles.
  [3857, 'WGS 84 / Pseudo-Mercator'], [3395, 'WGS 84 / World Mercator'], [4087, 'WGS 84 / World Equidistant Cylindrical'], [3410, 'NSIDC EASE-Grid Global'],
  [6933, 'WGS 84 / NSIDC EASE-Grid 2.0 Global'], [3408, 'NSIDC EASE-Grid North'], [3409, 'NSIDC EASE-Grid South'], [6931, 'WGS 84 / NSIDC EASE-Grid 2.0 North'],
  [6932, 'WGS 84 / NSIDC EASE-Grid 2.0 South'], [3031, 'WGS 84 / Antarctic Polar Stereographic'], [3413, 'WGS 84 / NSIDC Sea Ice Polar Stereographic North'],
  [3976, 'WGS 84 / NSIDC Sea Ice Polar Stereographic South'], [3995, 'WGS 84 / Arctic Polar Stereographic'], [3996, 'WGS 84 / IBCAO Polar Stereographic'],
  [5041, 'WGS 84 / UPS North (E,N)'], [5042, 'WGS 84 / UPS South (E,N)'], [32661, 'WGS 84 / UPS North (N,E)'], [32761, 'WGS 84 / UPS South (N,E)'],
  [3571, 'WGS 84 / North Pole LAEA Bering Sea'], [3572, 'WGS 84 / North Pole LAEA Alaska'], [3573, 'WGS 84 / North Pole LAEA Canada'],
  [3574, 'WGS 84 / North Pole LAEA Atlantic'], [3575, 'WGS 84 / North Pole LAEA Europe'], [3576, 'WGS 84 / North Pole LAEA Russia'],
  // Europe.
  [3034, 'ETRS89-extended / LCC Europe'], [3035, 'ETRS89-extended / LAEA Europe'], [27700, 'OSGB36 / British National Grid'], [2157, 'IRENET95 / Irish Transverse Mercator'],
  [29902, 'TM65 / Irish Grid'], [29903, 'TM75 / Irish Grid'], [2154, 'RGF93 v1 / Lambert-93'], [27572, 'NTF (Paris) / Lambert zone II'], [28992, 'Amersfoort / RD New'],
  [31370, 'BD72 / Belgian Lambert 72'], [3812, 'ETRS89 / Belgian Lambert 2008'], [2056, 'CH1903+ / LV95'], [21781, 'CH1903 / LV03'], [31254, 'MGI / Austria GK West'],
  [31255, 'MGI / Austria GK Central'], [31256, 'MGI / Austria GK East'], [31257, 'MGI / Austria GK M28'], [31258, 'MGI / Austria GK M31'], [31259, 'MGI / Austria GK M34'],
  [31287, 'MGI / Austria Lambert'], [3416, 'ETRS89 / Austria Lambert'], [5243, 'ETRS89 / LCC Germany (E-N)'], [4839, 'ETRS89 / LCC Germany (N-E)'], [2180, 'ETRF2000-PL / CS92'],
  [5514, 'S-JTSK / Krovak East North'], [5513, 'S-JTSK / Krovak'], [3006, 'SWEREF99 TM'], [3067, 'ETRS89 / TM35FIN(E,N)'], [25884, 'ETRS89 / TM Baltic93'],
  [3301, 'Estonian Coordinate System of 1997'], [3059, 'LKS-92 / Latvia TM'], [3346, 'LKS94 / Lithuania TM'], [3763, 'ETRS89 / Portugal TM06'], [3003, 'Monte Mario / Italy zone 1'],
  [3004, 'Monte Mario / Italy zone 2'], [7791, 'RDN2008 / UTM zone 32N'], [7792, 'RDN2008 / UTM zone 33N'], [2100, 'GGRS87 / Greek Grid'], [3765, 'HTRS96 / Croatia TM'],
  [3794, 'Slovenia 1996 / Slovene National Grid'], [3844, 'Pulkovo 1942(58) / Stereo70'], [23700, 'HD72 / EOV'], [7801, 'BGS2005 / CCS2005'],
  // The Americas.
  [5070, 'NAD83 / Conus Albers'], [6350, 'NAD83(2011) / Conus Albers'], [9311, 'NAD27 / US National Atlas Equal Area'], [3338, 'NAD83 / Alaska Albers'], [3310, 'NAD83 / California Albers'],
  [3174, 'NAD83 / Great Lakes Albers'], [26986, 'NAD83 / Massachusetts Mainland'], [2263, 'NAD83 / New York Long Island (ftUS)'], [3978, 'NAD83 / Canada Atlas Lambert'],
  [3347, 'NAD83 / Statistics Canada Lambert'], [3005, 'NAD83 / BC Albers'], [3400, 'NAD83 / Alberta 10-TM (Forest)'], [32198, 'NAD83 / Quebec Lambert'], [6372, 'Mexico ITRF2008 / LCC'],
  // Asia and Oceania.
  [2039, 'Israel 1993 / Israeli TM Grid'], [2326, 'Hong Kong 1980 Grid System'], [3414, 'SVY21 / Singapore TM'], [5179, 'KGD2002 / Unified CS'], [5186, 'KGD2002 / Central Belt 2010'],
  [5174, 'Korean 1985 / Modified Central Belt'], [2193, 'NZGD2000 / New Zealand Transverse Mercator 2000'], [3577, 'GDA94 / Australian Albers'], [3112, 'GDA94 / Geoscience Australia Lambert'],
]);

/** A name for people: EPSG's own for the codes that people use most, else the code. */
export function epsgName(code: number): string {
  const family = FAMILIES.find(([first, last]) => code >= first && code <= last);
  return family === undefined ? NAMES.get(code) ?? `EPSG:${code}` : family[3](family[2] + code - family[0]);
}

/** Codes that are taken first where several mean the same. */
const USUAL: ReadonlySet<number> = new Set([4326, 3857, 4258, 4269, 3035, 3031, 3413, 5070, 27700, 2154, 28992, 2056, 31256, 6933]);
const USUAL_RANGES: readonly (readonly [first: number, last: number])[] = [[32601, 32660], [32701, 32760], [25828, 25838], [26901, 26923]];

export function isUsual(code: number): boolean {
  return USUAL.has(code) || USUAL_RANGES.some(([first, last]) => code >= first && code <= last);
}
