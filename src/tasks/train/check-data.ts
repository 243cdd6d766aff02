import { nearestName } from '../../card/index.js';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import type { Recipe } from '../../train/index.js';
import type { Listing } from '../dataset/open.js';
import { checkGroups, checkSplit, splitEntries } from './split-samples.js';

export interface CheckDataOptions {
  /** Folder that the recipe's paths start from. */
  readonly data: string;
  /** Classes of the network that is gone on with. */
  readonly outputs?: number;
}

/**
 * What in a recipe does not fit its data, as far as their list tells it: class names, groups, shares, batches. Nothing is decoded yet.
 * @throws {InvalidOptionError | InvalidFileError} naming the recipe's key
 */
export async function checkData(recipe: Recipe, listing: Listing, options: CheckDataOptions): Promise<void> {
  const { classes, entries, parts, cut } = listing;
  checkNames(recipe, listing);
  if (recipe.task !== 'tagger' && classes.length < 2) throw new InvalidFileError(options.data, `expected at least two classes for a ${recipe.task}, found ${classes.length === 0 ? 'none' : `${classes[0]!} only`}`, { advice: 'with a single one there is nothing to tell apart' });
  if (options.outputs !== undefined && options.outputs !== classes.length) {
    throw new InvalidOptionError('training.start_from', `expected a network of the data's ${classes.length} classes (${shown(classes)}), found one of ${options.outputs}`, { advice: 'data.class_names or data.leave_out make them the same, or begin without it' });
  }
  checkGroups(recipe, entries);
  if (cut) return;
  checkSplit(recipe, await splitEntries(recipe, options.data, entries, parts), recipe.task === 'segmenter' ? 'pictures' : 'chips');
}

/** Classes that the recipe names must be some of the data's; colours also of those that are left out. */
function checkNames({ loss, stages, card }: Recipe, { classes, description }: Listing): void {
  const namesIn = (weights: unknown): string[] => (typeof weights === 'object' && weights !== null ? Object.keys(weights) : []);
  const named: (readonly [string, readonly string[], readonly string[]])[] = [
    ['loss.class_weights', namesIn(loss.class_weights), classes],
    ...stages.map((stage, index) => [`stages.${stage.name ?? index + 1}.loss.class_weights`, namesIn(stage.loss?.class_weights), classes] as const),
    ['card.colors', namesIn(card.colors), [...classes, ...description.leave_out ?? []]],
  ];
  for (const [key, names, known] of named) {
    const missing = names.find((name) => !known.includes(name));
    if (missing === undefined) continue;
    const near = nearestName(missing, known);
    throw new InvalidOptionError(key, `expected classes of the data (${shown(known)}), found ${missing}`, near === undefined ? {} : { advice: `did you mean ${near}?` });
  }
}

function shown(names: readonly string[]): string {
  return `${names.slice(0, 20).join(', ')}${names.length > 20 ? ' …' : ''}`;
}
