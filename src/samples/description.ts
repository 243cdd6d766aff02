/**
 * What a data set is made of, as a recipe's `data` section or a file `dataset.yaml` says it. All paths are relative to the data
 * folder. Absent keys are found out from what lies in the folder.
 */
export interface DataDescription {
  /** A table of names and tags (`image_name,tags`) … */
  readonly table?: string;
  /** … and the folder or archive (.zip, .tar) with the pictures of those names; or a folder with a folder per class. */
  readonly pictures?: string;
  /** One folder per class under `pictures`, perhaps inside `train`, `validate` and `test`. */
  readonly class_folders?: boolean;

  /** Pictures with masks: folders (`images`, `masks`, also inside folders of groups) or name patterns (`*_sat.jpg`, `*_mask.png`). */
  readonly images?: string;
  readonly masks?: string;

  /** Scenes with their truth. */
  readonly scenes?: readonly SceneEntry[];
  /** Key file of theme rasters: names and grey levels, a line each. A scene may have one of its own. */
  readonly key?: string;

  /** Legend of masks: JSON (`{classes: [{name, color}]}`) or CSV (`name,r,g,b`). */
  readonly classes?: string;
  /** Masks of two classes without a legend: from this grey value on it is the second. 128 where masks are only black and white. */
  readonly threshold?: number;
  /** Names for the two sides of the threshold, or for the ids of a truth raster that has no names itself. */
  readonly class_names?: readonly string[];
  /** Classes that are ignored. */
  readonly leave_out?: readonly string[];
  /** What happens to mask colours that no class has. Default `refuse`: they are faults; `ignore`: counted, reported, not learned. */
  readonly unknown_colors?: 'refuse' | 'ignore';

  readonly swap_red_blue?: boolean;
  /** Three bands, from 1, for pictures and scenes of other than three; Planet's TIFs: `[3, 2, 1]`. */
  readonly bands?: readonly number[];
  /** Samples of more than 8 bits: values that become 0 and 255. */
  readonly range?: readonly [number, number];
  /** Pixels around each picture with a mask that are ignored. */
  readonly frame?: number;

  /** Chips from pictures or scenes with truth: edge, step, and the share from which on a class is a tag. */
  readonly chip?: number;
  readonly stride?: number;
  readonly least_share?: number;
  /** What makes a chip's truth: all classes that cover enough of it (default), or the class of its middle pixel. */
  readonly truth?: 'share' | 'centre';
  /** Most chips per scene or picture, drawn with `seed`; default: all. */
  readonly limit?: number;
  readonly seed?: number;
}

/** A scene and what is true of it. */
export interface SceneEntry {
  readonly scene: string;
  /** Raster of class ids (or class colours) on the scene's grid … */
  readonly truth?: string;
  /** … or a raster of grey levels with a key file … */
  readonly themes?: string;
  readonly key?: string;
  /** … or GeoJSON polygons, whose property `class` (or `property`) names their class. */
  readonly polygons?: string;
  readonly property?: string;
  /** Part of the scene: x, y, width, height in pixels. */
  readonly area?: readonly [number, number, number, number];
  /** Default: the file's name. */
  readonly name?: string;
}
