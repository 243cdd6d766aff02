/** Notes of one scene. */
export interface NotedScene { readonly name: string; readonly notes: readonly string[] }

/** Names that are told one by one. */
const NAMED = 3;

/**
 * Notes of several scenes, each told once, with the names of the scenes that it is about; of a single scene as they are.
 * @param common notes that are not about a scene, told first and without names
 */
export function namedNotes(scenes: readonly NotedScene[], common: readonly string[] = []): string[] {
  const about = new Map<string, string[]>();
  for (const { name, notes } of scenes) for (const note of new Set(notes)) if (!common.includes(note)) about.set(note, [...about.get(note) ?? [], name]);
  const text = (note: string, names: readonly string[]): string => {
    if (scenes.length === 1 || names.every((name) => note.startsWith(name))) return note;
    if (names.length === scenes.length && names.length > NAMED) return `all ${names.length}: ${note}`;
    return `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}: ${note}`;
  };
  return [...new Set(common), ...[...about].map(([note, names]) => text(note, names))];
}
