import { open } from 'node:fs/promises';

/** A file of float32 rows of one length, little-endian, without header: appended to, and read again from front to back. */
export interface RowFile {
  /** Rows in the file. */
  readonly rows: number;
  /** Adds `values.length / length` rows; they are on disk when the promise resolves. */
  append(values: Float32Array): Promise<void>;
  /** Rows `first … first + count`. */
  read(first: number, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens or makes a row file and cuts it to the first `rows` rows: what a killed run wrote after its last journal line goes.
 * @throws {RangeError} if the file has fewer rows.
 */
export async function openRowFile(path: string, length: number, rows: number): Promise<RowFile> {
  const rowBytes = length * 4;
  const file = await open(path, rows === 0 ? 'w+' : 'r+');
  const { size } = await file.stat();
  if (size < rows * rowBytes) {
    await file.close();
    throw new RangeError(`${path}: expected ${rows} rows of ${rowBytes} bytes, the file has ${size} bytes`);
  }
  await file.truncate(rows * rowBytes);
  let count = rows;
  return {
    get rows() { return count; },
    async append(values) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      await writeFully(file, bytes, count * rowBytes);
      await file.datasync();
      count += values.length / length;
    },
    async read(first, wanted) {
      const bytes = Buffer.alloc(wanted * rowBytes);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, first * rowBytes);
      if (bytesRead !== bytes.length) throw new RangeError(`${path}: expected ${wanted} rows from ${first}, the file ends before`);
      return new Float32Array(bytes.buffer, bytes.byteOffset, wanted * length);
    },
    close: () => file.close(),
  };
}

async function writeFully(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
