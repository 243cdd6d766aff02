import { defaultColor, parseColor } from './legend.js';

/** What maps of the land are drawn in. The words are those of class names, in the singular; the first line that has one counts. */
const LAND_COVER: readonly (readonly [color: string, words: readonly string[]])[] = [
  ['#2f7fc1', ['water', 'lake', 'river', 'sea', 'ocean', 'pond', 'pool', 'reservoir', 'stream', 'canal', 'lagoon', 'waterway']],
  ['#1f6b35', ['forest', 'tree', 'wood', 'woodland', 'primary', 'rainforest', 'conifer', 'deciduous', 'evergreen']],
  ['#3d8b40', ['vegetation', 'green', 'plant', 'park', 'garden', 'canopy']],
  ['#8bc34a', ['grass', 'grassland', 'meadow', 'pasture', 'lawn', 'rangeland', 'savanna', 'golf']],
  ['#7a9a3a', ['shrub', 'shrubland', 'bush', 'scrub', 'chaparral', 'heath', 'orchard', 'vineyard']],
  ['#e0b43c', ['crop', 'cropland', 'agriculture', 'agricultural', 'agri', 'cultivation', 'farm', 'farmland', 'field', 'arable', 'wheat', 'maize', 'corn', 'rice']],
  ['#d1495b', ['building', 'roof', 'house', 'built', 'urban', 'city', 'residential', 'settlement', 'habitation', 'village', 'town']],
  ['#a24d73', ['industrial', 'industry', 'commercial', 'factory']],
  ['#5c5f66', ['road', 'street', 'highway', 'motorway', 'railway', 'rail', 'asphalt', 'pavement', 'parking', 'runway', 'impervious', 'concrete', 'path']],
  ['#c8a078', ['bare', 'barren', 'soil', 'rock', 'gravel', 'quarry']],
  ['#e8d5a3', ['sand', 'desert', 'beach', 'dune']],
  ['#4ba3a0', ['wetland', 'swamp', 'marsh', 'mangrove', 'bog', 'flood', 'flooded']],
  ['#cfe8f5', ['snow', 'ice', 'glacier']],
  ['#d0d0d0', ['cloud', 'cloudy', 'haze', 'fog']],
  ['#8b3a3a', ['mine', 'mining']],
  ['#303030', ['shadow']],
  ['#9b9b9b', ['background', 'other', 'unknown', 'unlabeled', 'unlabelled', 'nothing', 'none', 'clutter', 'void']],
];

/** Words that say little beside another one: "agricultural land" is a field. */
const WEAK_LAND: readonly (readonly [color: string, words: readonly string[]])[] = [['#e3cfa4', ['land', 'ground', 'earth', 'terrain']]];

const COLORS = colorsOf(LAND_COVER);
const WEAK = colorsOf(WEAK_LAND);

/** Colours nearer to each other than this (of 441) are taken for one. */
const NEAR = 60;
/** Colours that are tried, at most, before a near one is taken. */
const MOST_TRIES = 64;

/**
 * Colours for classes that bring none, `#rrggbb`, in the order of their names: what the name of a usual kind of land cover is drawn
 * in, water blue and forest green, each kind once, in other shades for more of it; distinct ones for all other names.
 */
export function classColors(names: readonly string[]): string[] {
  const colors = names.map(landColor);
  const used: string[] = [];
  const first = colors.map((color) => {
    if (color === undefined) return undefined;
    const own = shades(color).find((shade) => !used.includes(shade)) ?? color;
    used.push(own);
    return own;
  });
  let next = 0;
  return first.map((color) => {
    if (color !== undefined) return color;
    let found = defaultColor(next++);
    for (let tries = 0; tries < MOST_TRIES && used.some((one) => distance(one, found) < NEAR); tries++) found = defaultColor(next++);
    used.push(found);
    return found;
  });
}

/** The colour of a kind of land cover by the last word of a name that means one: a "green roof" is a roof. */
function landColor(name: string): string | undefined {
  // What is not a kind of land cover is any other one.
  if (/(^|[^a-z])(no|non|not|without)([^a-z]|$)/i.test(name)) return undefined;
  const words = name.toLowerCase().split(/[^a-z]+/).flatMap((word) => [word, word.replace(/s$/, '')]);
  return words.findLast((word) => COLORS.has(word)) === undefined ? colorOfLast(words, WEAK) : colorOfLast(words, COLORS);
}

function colorOfLast(words: readonly string[], colors: ReadonlyMap<string, string>): string | undefined {
  const word = words.findLast((one) => colors.has(one));
  return word === undefined ? undefined : colors.get(word);
}

function colorsOf(lines: readonly (readonly [string, readonly string[]])[]): ReadonlyMap<string, string> {
  return new Map(lines.flatMap(([color, words]) => words.map((word) => [word, color] as const)));
}

/** A colour, then lighter and darker ones. */
function shades(color: string): string[] {
  const [red, green, blue] = parseColor(color);
  const mixed = (share: number, end: number): string => `#${[red, green, blue].map((value) => Math.round(value + (end - value) * share).toString(16).padStart(2, '0')).join('')}`;
  return [color, mixed(0.35, 255), mixed(0.35, 0), mixed(0.6, 255), mixed(0.55, 0), mixed(0.2, 255), mixed(0.2, 0)];
}

function distance(a: string, b: string): number {
  const [one, other] = [parseColor(a), parseColor(b)];
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}
