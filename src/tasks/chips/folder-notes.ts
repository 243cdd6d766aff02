import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelCard } from '../../card/index.js';
import type { SceneProfile } from '../../raster/index.js';
import { filledByFiles, openScene } from '../../scene/index.js';
import { MANIFEST } from '../../tiles/index.js';
import { enlargedNote } from './enlarge.js';
import type { ChipFiles } from './files.js';

/** Files of a folder whose places are looked at. */
const MOST_PLACES = 32;
/** More of their frame than this is filled by pieces of one scene. */
const FILLED = 0.5;
/** From so many times the model's chips on a chip is another thing. */
const MUCH_LARGER = 2;

export interface ChipFolder extends Pick<ChipFiles, 'folder' | 'files'> {
  /** The first file as the model sees it. */
  readonly first: SceneProfile;
}

/** What a folder's chips may not be meant as: pieces of one scene, or of another size than the model's. */
export async function folderNotes(chips: ChipFolder, card: ModelCard): Promise<string[]> {
  const pieces = await piecesNote(chips);
  return [...(pieces === undefined ? [] : [pieces]), ...sizeNotes(chips.first, card)];
}

/** What to say of chips of this size. */
export function sizeNotes({ width, height }: SceneProfile, card: ModelCard): string[] {
  const enlarged = enlargedNote({ width, height }, card);
  if (enlarged !== undefined) return [enlarged];
  const { window } = card.input;
  if (window === undefined || Math.max(width, height) < MUCH_LARGER * window) return [];
  return [`chips of ${width} × ${height} pixels are much larger than those that ${card.name} was trained on (${window} × ${window}), and each is looked at as a whole: cut them with tilewright tile --patch-size ${window}, or give them as scenes`];
}

/** Files that fill one grid are a scene to the other commands. Tiles that are listed were cut on purpose. */
async function piecesNote({ folder, files, first }: ChipFolder): Promise<string | undefined> {
  if (first.transform === undefined || files.length < 2 || existsSync(join(folder, MANIFEST))) return undefined;
  const looked = files.slice(0, MOST_PLACES);
  const profiles: SceneProfile[] = [];
  for (const { path } of looked) {
    const scene = await openScene(path);
    profiles.push(scene.profile);
    await scene.close();
  }
  if (filledByFiles(profiles) <= FILLED) return undefined;
  const which = looked.length === files.length ? `the ${files.length} files of ${folder} lie` : `the files of ${folder} (the first ${looked.length} were looked at) lie`;
  return `${which} on one grid, and each is taken as one chip; for chips of the scene that they make up, make it one file first: tilewright convert ${folder} scene.tif`;
}
