/** A small CSV reader for tests, written from RFC 4180 and not from the writer. */
export function readCsv(text: string): string[][] {
  const records: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') { field += '"'; i++; } else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') { records.at(-1)!.push(field); field = ''; } else if (c === '\r' && text[i + 1] === '\n') {
      records.at(-1)!.push(field);
      field = '';
      records.push([]);
      i++;
    } else field += c;
  }
  if (records.at(-1)!.length === 0 && field === '') records.pop();
  return records;
}
