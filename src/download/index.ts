export { checkFile, download, type Checksum, type Downloaded, type DownloadOptions } from './download.js';
export { cacheFolder, CACHE_VARIABLE } from './cache-folder.js';
