/**
 * `cache/ids.bin`: one 64-bit number per row, little-endian, ascending: 32 bits of the id's hash above 32 bits of the row. Ids of
 * one hash lie side by side and are told apart by looking at them.
 */
export const ID_BYTES = 8;

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv), 32 bits, of the id in UTF-8. */
export function idHash(id: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

export function idKey(hash: number, row: number): bigint {
  return (BigInt(hash) << 32n) | BigInt(row);
}

/**
 * The rows whose ids have a hash.
 * @param read gives numbers `from … from + count` of the table.
 */
export async function rowsOfHash(hash: number, count: number, read: (from: number, count: number) => Promise<BigUint64Array>): Promise<number[]> {
  const at = async (i: number): Promise<bigint> => (await read(i, 1))[0]!;
  const wanted = BigInt(hash);
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((await at(middle)) >> 32n < wanted) low = middle + 1;
    else high = middle;
  }
  const rows: number[] = [];
  for (let i = low; i < count; i++) {
    const key = await at(i);
    if (key >> 32n !== wanted) break;
    rows.push(Number(key & 0xffff_ffffn));
  }
  return rows;
}
