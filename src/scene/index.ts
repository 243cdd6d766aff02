export type { ByteSource } from './byte-source.js';
export type { BlockScene } from './create-scene.js';
export type { OpenSceneOptions } from './open-scene.js';
export { openScene } from './open-scene.js';
export { isRemote } from './remote/open-remote.js';
export { reflectIndices } from './reflect.js';
export { sampleValues, stretchScene } from './stretched-scene.js';
export type { MemoryProfile } from './memory.js';
export { defaultCacheBytes, readMemory, readingMemory, stripCacheBytes } from './memory.js';
