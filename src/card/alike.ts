/**
 * Names that most likely mean the same: they differ only in upper and lower case, spaces, hyphens and underscores. Groups of two and
 * more, in the order of the names.
 */
export function alikeNames(names: readonly string[]): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const name of new Set(names)) {
    const plain = name.normalize('NFKC').toLowerCase().replace(/[\s_-]+/g, '');
    groups.set(plain, [...groups.get(plain) ?? [], name]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
