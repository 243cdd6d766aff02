import { InvalidOptionError } from '../../errors.js';
import type { SceneProfile } from '../../raster/index.js';

/**
 * Ids of the classes that were asked for by name (upper and lower case are the same) or id; `undefined`: all.
 * @throws {InvalidOptionError} if the map has no class of that name.
 */
export function chosenClasses(profile: Pick<SceneProfile, 'classNames'>, asked: readonly string[] | undefined): ReadonlySet<number> | undefined {
  if (asked === undefined) return undefined;
  const names = profile.classNames ?? [];
  return new Set(asked.map((text) => {
    const named = names.findIndex((name) => name !== '' && name.toLowerCase() === text.trim().toLowerCase());
    if (named >= 0) return named;
    if (/^-?\d+$/.test(text.trim())) return Number(text);
    const known = names.filter((name) => name !== '');
    throw new InvalidOptionError('--classes', `expected names or ids of the map's classes, found '${text}'`, {
      advice: known.length === 0 ? 'the map has no class names, give ids' : `its classes are ${known.join(', ')}`,
    });
  }));
}
