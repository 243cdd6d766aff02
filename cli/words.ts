/** A number of things: `1 tile`, `2 tiles`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What runs a model, for plans: TensorFlow on a processor is the slower way (docs/models.md#engines). */
export function engineText(device: string): string {
  return device === 'tensorflow (cpu)' ? `${device}: 1.2 to 2 times the processor time of onnxruntime, the default --engine` : device;
}

/** An area on the ground in hectares, or, where those would be nearly nothing, in square metres. */
export function groundArea(hectares: number): string {
  if (hectares === 0 || hectares >= 0.1) return `${hectares.toFixed(2)} ha`;
  const squareMetres = hectares * 10_000;
  return `${squareMetres >= 10 ? squareMetres.toFixed(0) : squareMetres.toPrecision(2)} m²`;
}

/** How fast something is beside another: `1.85 times as fast`, and below 1 `slower: 1.20 times the time`. */
export function speedText(speedup: number): string {
  return speedup < 1 ? `slower: ${(1 / speedup).toFixed(2)} times the time` : `${speedup.toFixed(2)} times as fast`;
}
