import type { Chip, ChipWriter } from './types.js';
import { formatDegrees, formatProbability, tagList } from './fields.js';
import { createTextFile } from './text-file.js';

/** One field of a CSV record (RFC 4180, section 2): quoted where it holds a comma, a quote or a line break. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One record with its CRLF. */
export function csvRecord(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

/**
 * `chips.csv` (RFC 4180): `chip,x,y,width,height,lon,lat,tags` and one column of probabilities per tag. Tags are separated by
 * spaces, spaces inside a tag are written `_`. A chip without data has empty tags and probabilities.
 */
export async function createChipCsv(path: string, tags: readonly string[]): Promise<ChipWriter> {
  const file = await createTextFile(path);
  await file.write(csvRecord(['chip', 'x', 'y', 'width', 'height', 'lon', 'lat', 'tags', ...tags]));
  return {
    write(chip: Chip) {
      const { window, probabilities } = chip;
      return file.write(csvRecord([
        chip.id, String(window.x), String(window.y), String(window.width), String(window.height),
        chip.centre === undefined ? '' : formatDegrees(chip.centre[0]), chip.centre === undefined ? '' : formatDegrees(chip.centre[1]),
        tagList(chip.tags, tags),
        ...tags.map((_, i) => (probabilities === undefined ? '' : formatProbability(probabilities[i] ?? 0))),
      ]));
    },
    finish: () => file.finish(),
    abort: () => file.abort(),
  };
}

/** `submission.csv`: `image_name,tags`, as competitions on tagged chips take it. */
export async function createSubmissionCsv(path: string, tags: readonly string[]): Promise<ChipWriter> {
  const file = await createTextFile(path);
  await file.write(csvRecord(['image_name', 'tags']));
  return {
    write: (chip: Chip) => file.write(csvRecord([chip.id, tagList(chip.tags, tags)])),
    finish: () => file.finish(),
    abort: () => file.abort(),
  };
}
