import { InvalidOptionError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import { openScene } from '../../scene/index.js';
import { formatOf } from '../../vector/index.js';
import type { FeatureFormat } from '../../vector/index.js';
import { checkMetres, classMapOf } from '../vectorize/class-map.js';
import type { MapProfile } from '../vectorize/class-map.js';
import { openPolygonFile, placementFor, writePolygons } from '../vectorize/write.js';
import { mapLegend } from './setup.js';
import type { SegmentOptions, SegmentSetup } from './setup.js';

/**
 * Checks before the first patch that polygons can be made of the scene's map.
 * @throws {InvalidFileError | InvalidOptionError} if the scene has no place, or none that the format can hold.
 */
export function checkVectors(options: SegmentOptions, profile: MapProfile): void {
  if (options.vectors === undefined) {
    for (const [option, value] of [['--min-area', options.minArea], ['--simplify', options.simplify]] as const) {
      if (value !== undefined) throw new InvalidOptionError(option, 'is about polygons, and none are asked for', { advice: 'add --vectors <file>' });
    }
    return;
  }
  placementFor(profile, vectorFormat(options.vectors), '--vectors');
  checkMetres(profile, options);
}

/** Makes the polygons of the finished map, which need not have its final name yet. */
export async function writeVectors(setup: SegmentSetup, files: { readonly map: string; readonly path: string }, context: TaskContext): Promise<void> {
  const { options } = setup;
  const scene = await openScene(files.map);
  try {
    const classes = classMapOf(scene);
    const format = vectorFormat(options.vectors ?? '');
    const { place, file } = placementFor(classes.profile, format, '--vectors');
    await writePolygons({
      map: classes, place, legend: mapLegend(setup.model), file: await openPolygonFile(files.path, format, file),
      ...(options.minArea === undefined ? {} : { minArea: options.minArea }),
      ...(options.simplify === undefined ? {} : { simplify: options.simplify }),
    }, context);
  } finally {
    await scene.close();
  }
}

function vectorFormat(path: string): FeatureFormat {
  const format = formatOf(path);
  if (format === undefined) throw new InvalidOptionError('--vectors', `${path} has no ending of a vector format`);
  return format;
}
