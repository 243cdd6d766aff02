export { nameWidths, parseTileName, TILE_FORMATS, tileName, type NameWidths, type TileFormat, type TilePlace } from './name.js';
export {
  MANIFEST, MANIFEST_FORMAT, MANIFEST_VERSION, manifestText, readManifest, tileWindow, type TiledScene, type TileManifest, type TileRecord,
} from './manifest.js';
export { encodeNpy, readNpy, readNpyHeader, type NpyHeader } from './npy.js';
export { checkPicture, encodePicture } from './picture.js';
