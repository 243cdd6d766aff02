/** Numbers for people. */

/** `0.1234` → `12.3 %`; `< 0.1 %` for what is more than nothing. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.0005) return '< 0.1 %';
  return `${(share * 100).toFixed(1)} %`;
}

/** Hectares as `m²`, `ha` or `km²`, three significant digits. A list of areas takes the unit of its largest, to be comparable. */
export function formatArea(hectares: number, largest = hectares): string {
  if (largest >= 10_000) return `${significant(hectares / 100)} km²`;
  if (largest >= 1 || largest === 0) return `${significant(hectares)} ha`;
  return `${significant(hectares * 10_000)} m²`;
}

/** Metres as `cm`, `m` or `km`. */
export function formatLength(metres: number): string {
  if (metres >= 1000) return `${significant(metres / 1000)} km`;
  return metres >= 1 ? `${significant(metres)} m` : `${significant(metres * 100)} cm`;
}

/** Degrees with four decimals (about 10 m): `55.2708° E, 25.2048° N`. */
export function formatPlace(lon: number, lat: number): string {
  return `${Math.abs(lon).toFixed(4)}° ${lon < 0 ? 'W' : 'E'}, ${Math.abs(lat).toFixed(4)}° ${lat < 0 ? 'S' : 'N'}`;
}

/** Three significant digits, thousands separated by a thin space, no exponent. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-4) return value.toExponential(1);
  const decimals = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : Math.min(6, 2 - Math.floor(Math.log10(size)));
  const text = value.toFixed(decimals);
  const [whole = '', fraction] = (decimals > 0 ? text.replace(/\.?0+$/, '') : text).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** The largest of 1, 2, 5 × 10ⁿ that is not more than `limit`. */
export function roundDown(limit: number): number {
  const power = 10 ** Math.floor(Math.log10(limit));
  const digit = limit / power;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

/** About `count` round numbers from at or below `low` to at or above `high`. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((digit) => digit * power >= raw * 0.999) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
