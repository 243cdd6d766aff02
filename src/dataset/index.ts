export { openArchive, type Archive } from './archive.js';
export { cacheChips, noteNotSquare, noteUnreadable, reasonOf, toSize, type CacheChipsOptions } from './cache-chips.js';
export { cacheMaps, noteUnusable, type CacheMapsOptions, type CachedMaps } from './cache-maps.js';
export { cacheKeys, type CacheKeys } from './cache-key.js';
export { listTable, type ChipList, type ListOptions } from './chip-list.js';
export { listClassFolders } from './class-folders.js';
export { colourToClass, ignoreFrame, readMaskClasses, reduceMask, type MaskClass, type MaskClasses } from './colours.js';
export { averageSquares, decodePicture, jpegComponents, swapRedBlue, toRgba, type Picture } from './decode.js';
export { changeDescription, describeData, DESCRIPTION_FILE, parseDescription, type FoundData } from './describe.js';
export type { MapEntry, MapList, MapRows } from './map-list.js';
export { copies, leaksByContent, leaksByPlace, MOST_PAIRS, pairCount, pairsAcross, type CopiesOptions, type Leak } from './leaks.js';
export { collectContradictions, hashPixels, type Contradiction, type Contradictions } from './contradictions.js';
export { folderEntries, type FolderEntry } from './folder.js';
export { listPairs } from './pair-list.js';
export { openPictures, type PictureSource } from './pictures.js';
export { collectProblems, problemText, type Problem, type Problems } from './problems.js';
export { readBands, readPicture, type OpenScene, type ReadPictureOptions } from './read-picture.js';
export { createSampleFile, openSampleFile, type SampleFile, type SampleFileWriter } from './sample-file.js';
export { listScenes, readKeyFile, type PolygonReader, type SceneListOptions } from './scene-list.js';
export { readSplit, splitName, splitText, type SplitFile } from './split-file.js';
export {
  splitByBlock, splitByGroup, splitRandomly, splitStratified, type BlockSplitOptions, type GroupSplitOptions, type RandomSplitOptions, type SamplePlace, type StratifiedOptions,
} from './split.js';
export { parseTagTable, type TagTable } from './tags.js';
export { countTruth, noteUntrained, partWithoutTruth, type TruthCounts } from './truth-counts.js';
export { openTar } from './tar.js';
export { windowChips, type WindowChips, type WindowChipsOptions } from './window-chips.js';
export { openZip } from './zip.js';
