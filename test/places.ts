import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** The checkout. */
export const root = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Real data that does not ship with the project, beside the checkout; tests that need it skip where it is absent. */
export const shared = process.env['TILEWRIGHT_DATA'] ?? join(root, '..', 'shared', 'data');

/** Whether a file of the data that does not ship is there. */
export function hasShared(path = ''): boolean {
  return existsSync(join(shared, path));
}

/** A new folder that is removed after the tests of the file. Call it at the top level of a test file. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tilewright-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder));
}
