/** A row of a table by the names of its columns, such as the one that GDAL made of files of other projects' tests. */
export type Row = Readonly<Record<string, string>>;

/** RFC 4180, with a line of names. */
export function parseCsv(text: string): Row[] {
  const lines: string[][] = [];
  let fields: string[] = [];
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n\r"]*))(,|\r?\n|$)/g)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    if (fields.length > 1) lines.push(fields);
    fields = [];
  }
  const [names = [], ...rows] = lines;
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ''])));
}
