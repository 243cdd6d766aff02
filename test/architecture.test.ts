import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './places.js';

/** Floors from the top down. A room imports rooms of lower floors only. */
const FLOORS: readonly (readonly string[])[] = [
  ['cli'],
  ['src/tasks'],
  ['src/index-store'],
  ['src/run'],
  ['src/scene', 'src/predict', 'src/stitch', 'src/cog', 'src/vector', 'src/chips', 'src/picture', 'src/search', 'src/dataset', 'src/train', 'src/tiles', 'src/weights', 'src/download'],
  ['src/metrics', 'src/raster', 'src/georef', 'src/grid', 'src/card', 'src/onnx', 'src/samples', 'src/linear', 'src/zip', 'models/architectures', 'models/mappings'],
  ['src/errors.ts'],
];

/** Ground-floor rooms that may know each other, because the one is made of the other; each pair one way. */
const GROUND: readonly (readonly [string, string])[] = [
  ['src/grid', 'src/raster'],
  ['src/georef', 'src/raster'],
  ['src/card', 'src/raster'],
  ['models/mappings', 'models/architectures'],
];

/** `Scene` names the transform and CRS types: the one place where raster looks at georef, types only. */
const TYPES_ONLY: readonly (readonly [string, string])[] = [['src/raster', 'src/georef']];




const files = ['cli', 'src', 'models'].flatMap((folder) => sources(join(root, folder)));

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith('.ts') ? [relative(root, path)] : [];
  });
}

function roomOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] === 'cli') return 'cli';
  return parts.length === 2 ? file : parts.slice(0, 2).join('/');
}

interface Import { readonly from: string; readonly to: string; readonly typesOnly: boolean }

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'(\.[^']+)'/gm), ...text.matchAll(/()\bimport\('(\.[^']+)'\)/g)];
  return found.map((match) => ({
    from: file,
    to: relative(root, join(root, dirname(file), match[2]!)).replace(/\.js$/, '.ts'),
    typesOnly: (match[1] ?? '') !== '',
  }));
}

const imports = files.flatMap(importsOf);
const crossing = imports.filter(({ from, to }) => roomOf(from) !== roomOf(to));

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

function allowed({ from, to, typesOnly }: Import): boolean {
  const [a, b] = [roomOf(from), roomOf(to)];
  if (a === 'src/index.ts' || a === 'models/index.ts') return true;
  const pair = ([x, y]: readonly [string, string]): boolean => x === a && y === b;
  if (GROUND.some(pair) || (typesOnly && TYPES_ONLY.some(pair))) return true;
  return floorOf(a) >= 0 && floorOf(b) > floorOf(a);
}

describe('the house', () => {
  it('has only known rooms', () => {
    const rooms = [...new Set(files.map(roomOf))].filter((room) => room !== 'src/index.ts' && room !== 'models/index.ts');
    expect(rooms.filter((room) => floorOf(room) < 0)).toEqual([]);
    expect(files.length).toBeGreaterThan(20);
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it('has imports that go downwards only', () => {
    expect(crossing.filter((one) => !allowed(one)).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('is entered through doors: other rooms import a room by its index', () => {
    const furniture = crossing.filter(({ to }) => to.split('/').length > 2 && !to.endsWith('/index.ts'));
    // Every task is a door of its own, so that a command loads only what it needs.
    const named = furniture.filter(({ from, to, typesOnly }) => !(typesOnly && to.endsWith('/types.ts')) && !(/^(cli\/|src\/index\.ts)/.test(from) && to.startsWith('src/tasks/')));
    expect(named.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('has no circles', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, typesOnly } of imports) if (!typesOnly) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      if (done.has(file)) return;
      for (const to of next.get(file) ?? []) walk(to, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(circles).toEqual([]);
  });

  it('has no rooms or files whose name says nothing', () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|manager)(\.ts|\/)/i.test(file))).toEqual([]);
  });

  it('prints only in the command line, and has no `any`', () => {
    const offenders = files.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return (!file.startsWith('cli/') && /console\.\w+\(/.test(text)) || /(:\s*|\bas\s+)any\b/.test(text) || /@ts-(ignore|nocheck)/.test(text)
        || /^export default/m.test(text);
    });
    expect(offenders).toEqual([]);
  });
});
