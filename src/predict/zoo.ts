import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the models that come with the package: `models/zoo`, beside `dist` in a checkout and in an installed package. */
export function zooFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'models', 'zoo');
}

/** Names of the models that come with the package, sorted. */
export function zooModels(): readonly string[] {
  const folder = zooFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'card.json')))
    .map((entry) => entry.name)
    .sort();
}
