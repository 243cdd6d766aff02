export { readArchive, type Member, type ReadableFile } from './archive.js';
