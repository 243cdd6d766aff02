/** The first line of a library's error, without the name of what it was given. */
export function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').find((line) => line.trim() !== '')?.replace(/^Input (buffer|file) /, '') ?? 'no reason given';
}
