import type { ByteSource } from '../byte-source.js';
import { InvalidFileError } from '../../errors.js';
export interface RemoteOptions { readonly attempts?: number }
export function isRemote(source: string): boolean { return /^(https?|s3):\/\//i.test(source); }
export async function openRemoteSource(url: string, _options?: RemoteOptions): Promise<ByteSource> { throw new InvalidFileError(url, 'later'); }
