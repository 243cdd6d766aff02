import { describe, expect, it } from 'vitest';
import { Interrupted, InvalidOptionError, ModelError } from '../../src/errors.js';
import { loadModel, openPredictor } from '../../src/predict/index.js';
import { answer, bandsFirst, chipCard, copyOf, fixture, mapCard, patches, sample } from './cards.js';

describe('openPredictor on models whose answer is known', () => {
  const layouts = [
    ['identity.onnx', mapCard(3)],
    ['identity_opset7.onnx', mapCard(3)],
    ['identity_opset21.onnx', mapCard(3)],
    ['identity_bhwc.onnx', mapCard(3, { dim_order: 'bhwc', shape: [-1, -1, -1, 3] }, { dim_order: 'bhwc' })],
    ['identity_f16.onnx', mapCard(3, { data_type: 'float16' })],
    ['identity_uint8.onnx', mapCard(3, { data_type: 'uint8', dim_order: 'bhwc', shape: [-1, -1, -1, 3] }, { dim_order: 'bhwc' })],
  ] as const;
  for (const [file, card] of layouts) {
    it(`${file} gives the samples back, band by band`, async () => {
      const batch = patches(3, 5, 7);
      const found = await answer(file, card, copyOf(batch), { outputs: ['scores', 'classes'], threads: 2 });
      expect([found.width, found.height]).toEqual([5, 7]);
      expect(found.scores).toEqual(bandsFirst(batch));
      const largest = Uint8Array.from({ length: 3 * 35 }, (_, i) => {
        const bands = [0, 1, 2].map((band) => sample(batch, Math.floor(i / 35), Math.floor((i % 35) / 5), i % 5, band));
        return bands.indexOf(Math.max(...bands));
      });
      expect(found.classes).toEqual(largest);
    });
  }

  it('runs a fixed batch of 4 for any number of patches', async () => {
    const card = mapCard(3, { shape: [4, 3, 16, 16] });
    for (const count of [1, 4, 7]) {
      const batch = patches(count, 16, 16);
      expect((await answer('identity_batch4.onnx', card, copyOf(batch), { outputs: ['scores'] })).scores).toEqual(bandsFirst(batch));
    }
  });

  it('multiplies by two, with constants listed as inputs', async () => {
    const batch = patches(2, 9, 4);
    const found = await answer('times_two.onnx', mapCard(3), copyOf(batch), { outputs: ['scores'] });
    expect(found.scores).toEqual(bandsFirst(batch, (value) => 2 * value));
  });

  it('applies scale, mean and deviation per band in this order, in either layout', async () => {
    const value_scaling = { scale: 0.5, mean: [1, 2, 3], stddev: [2, 4, 8] };
    const batch = patches(1, 6, 6);
    const expected = bandsFirst(batch).map((value, i) => (value * 0.5 - [1, 2, 3][Math.floor(i / 36)]!) / [2, 4, 8][Math.floor(i / 36)]!);
    expect((await answer('identity.onnx', mapCard(3, { value_scaling }), copyOf(batch), { outputs: ['scores'] })).scores).toEqual(expected);
    const last = mapCard(3, { value_scaling, dim_order: 'bhwc', shape: [-1, -1, -1, 3] }, { dim_order: 'bhwc' });
    expect((await answer('identity_bhwc.onnx', last, copyOf(batch), { outputs: ['scores'] })).scores).toEqual(expected);
  });

  it('knows where each pixel of a patch is', async () => {
    const found = await answer('position.onnx', mapCard(2), patches(2, 11, 6), { outputs: ['scores'] });
    const scores = found.scores ?? new Float32Array();
    for (let n = 0; n < 2; n++) for (let y = 0; y < 6; y++) for (let x = 0; x < 11; x++) {
      expect([scores[((n * 2) * 6 + y) * 11 + x], scores[((n * 2 + 1) * 6 + y) * 11 + x]]).toEqual([x, y]);
    }
  });

  it('applies softmax along the classes, also where the operator version flattens', async () => {
    const exps = [0, 1, 3, 2].map(Math.exp);
    const total = exps.reduce((a, b) => a + b);
    const found = await answer('constant.onnx', mapCard(4, {}, { activation: 'softmax' }), patches(1, 4, 3), { outputs: ['scores', 'classes'] });
    for (let c = 0; c < 4; c++) for (let i = 0; i < 12; i++) expect(found.scores?.[c * 12 + i]).toBeCloseTo((exps[c] ?? 0) / total, 6);
    expect(found.classes).toEqual(new Uint8Array(12).fill(2));
    const old = await answer('identity_opset7.onnx', mapCard(3, { value_scaling: { scale: 1 / 64 } }, { activation: 'softmax' }), patches(1, 4, 3), { outputs: ['scores'] });
    const now = await answer('identity.onnx', mapCard(3, { value_scaling: { scale: 1 / 64 } }, { activation: 'softmax' }), patches(1, 4, 3), { outputs: ['scores'] });
    for (let i = 0; i < 36; i++) expect(old.scores?.[i]).toBeCloseTo(now.scores?.[i] ?? Number.NaN, 6);
  });

  it('gives the inner pixels of a model with a margin', async () => {
    const batch = patches(2, 9, 8);
    const found = await answer('crop2.onnx', mapCard(3, {}, { margin: 2 }), copyOf(batch), { outputs: ['scores'] });
    expect([found.width, found.height]).toEqual([5, 4]);
    for (let n = 0; n < 2; n++) for (let c = 0; c < 3; c++) for (let y = 0; y < 4; y++) for (let x = 0; x < 5; x++) {
      expect(found.scores?.[((n * 3 + c) * 4 + y) * 5 + x]).toBe(sample(batch, n, y + 2, x + 2, c));
    }
  });

  it('takes class ids as they are', async () => {
    const batch = patches(1, 6, 5);
    const ids = await answer('class_ids.onnx', mapCard(3, {}, { dim_order: 'bhw' }), copyOf(batch), { outputs: ['classes'] });
    const same = await answer('identity.onnx', mapCard(3), copyOf(batch), { outputs: ['classes'] });
    expect(ids.classes).toEqual(same.classes);
  });

  it('reads one channel as the probability of class 1, or of the only class with its threshold', async () => {
    const batch = patches(1, 16, 16, (i) => Math.floor(i / 3));
    const card = mapCard(2, { value_scaling: { scale: 1 / 255 } });
    const found = await answer('one_channel.onnx', card, copyOf(batch), { outputs: ['scores', 'classes'] });
    for (let i = 0; i < 256; i++) {
      expect(found.scores?.[256 + i]).toBeCloseTo(i / 255, 6);
      expect(found.scores?.[i]).toBeCloseTo(1 - i / 255, 6);
      expect(found.classes?.[i]).toBe(i >= 128 ? 1 : 0);
    }
    for (const [threshold, ones] of [[0.2, 256 - 51], [undefined, 128]] as const) {
      const one = mapCard(1, { value_scaling: { scale: 1 / 255 } });
      const classes = one.output.classes.map((entry) => (threshold === undefined ? entry : { ...entry, threshold }));
      const lower = await answer('one_channel.onnx', { ...one, output: { ...one.output, classes } }, copyOf(batch), { outputs: ['classes', 'scores'] });
      expect(lower.classes?.reduce((sum, id) => sum + id, 0)).toBe(ones);
      expect(lower.scores).toEqual(found.scores?.subarray(256));
    }
    const logits = mapCard(2, { value_scaling: { scale: 1, mean: [100, 0, 0], stddev: [1, 1, 1] } }, { activation: 'sigmoid' });
    const sigmoid = await answer('one_channel.onnx', logits, copyOf(batch), { outputs: ['classes', 'scores'] });
    for (let i = 0; i < 256; i++) {
      expect(sigmoid.scores?.[256 + i]).toBeCloseTo(1 / (1 + Math.exp(100 - i)), 6);
      expect(sigmoid.classes?.[i]).toBe(i > 100 ? 1 : 0);
    }
  });

  it('multiplies regression outputs by their scale', async () => {
    const batch = patches(1, 5, 5);
    const found = await answer('identity.onnx', mapCard(3, {}, { scale: 0.25 }, { task: 'regression' }), copyOf(batch), { outputs: ['scores'] });
    expect(found.scores).toEqual(bandsFirst(batch, (value) => value / 4));
  });

  it('takes other sample types where the card allows them', async () => {
    const card = mapCard(3, { scene_data_types: ['uint16', 'int16', 'float32'] });
    for (const [dtype, data] of [['uint16', Uint16Array.from({ length: 75 }, (_, i) => i * 800)], ['int16', Int16Array.from({ length: 75 }, (_, i) => i * 400 - 15000)], ['float32', Float32Array.from({ length: 75 }, (_, i) => i / 7)]] as const) {
      const batch = { data, count: 1, width: 5, height: 5, bands: 3 };
      expect((await answer('identity.onnx', card, copyOf(batch), { outputs: ['scores'], dtype })).scores).toEqual(bandsFirst(batch));
    }
    const model = await loadModel(fixture('identity.onnx'), { card });
    await expect(openPredictor(model, { outputs: ['scores'], dtype: 'uint8' })).rejects.toThrow(/made for uint16, int16, float32 samples, not for uint8/);
  });
});

describe('chips', () => {
  /** Means per block of the batch, computed plainly. */
  function blockMeans(batch: ReturnType<typeof patches>, edge: number): number[] {
    const result: number[] = [];
    const step = batch.width / edge;
    for (let n = 0; n < batch.count; n++) for (let c = 0; c < 3; c++) for (let y = 0; y < edge; y++) for (let x = 0; x < edge; x++) {
      let sum = 0;
      for (let j = 0; j < step; j++) for (let i = 0; i < step; i++) sum += sample(batch, n, y * step + j, x * step + i, c);
      result.push(sum / (step * step));
    }
    return result;
  }
  const card = chipCard(192, { shape: [-1, 3, 8, 8], window: 24 });

  it('reduces a window by whole ratios inside the graph', async () => {
    const batch = patches(2, 24, 24);
    const found = await answer('pixels8.onnx', card, copyOf(batch), { outputs: ['scores'] });
    expect([found.width, found.height]).toEqual([1, 1]);
    blockMeans(batch, 8).forEach((mean, i) => expect(found.scores?.[i]).toBeCloseTo(mean, 3));
  });

  it('reduces by ratios that are not whole before the graph', async () => {
    // 20 pixels to 8: 2.5 each; a ramp along x has known means.
    const batch = patches(1, 20, 20, (i) => Math.floor(i / 3) % 20);
    const found = await answer('pixels8.onnx', card, batch, { outputs: ['scores'] });
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let s = 0; s < 20; s++) sum += s * Math.max(0, Math.min(s + 1, (x + 1) * 2.5) - Math.max(s, x * 2.5));
      expect(found.scores?.[x]).toBeCloseTo(sum / 2.5, 4);
    }
  });

  it('takes patches of the input size as they are, and refuses smaller ones', async () => {
    const batch = patches(1, 8, 8);
    expect((await answer('pixels8.onnx', card, copyOf(batch), { outputs: ['scores'] })).scores).toEqual(bandsFirst(batch));
    await expect(answer('pixels8.onnx', card, patches(1, 6, 6), { outputs: ['scores'] })).rejects.toThrow(/needs at least 8×8 pixels, a patch has 6×6/);
  });

  it('flattens [n, c, 1, 1] and applies sigmoid', async () => {
    const fixed = chipCard(3, { shape: [1, 3, 8, 8], value_scaling: { scale: 1 / 255 } }, { activation: 'sigmoid' });
    const batch = patches(5, 8, 8);
    const found = await answer('band_means_fixed.onnx', fixed, copyOf(batch), { outputs: ['scores'], threads: 2 });
    const means = blockMeans(batch, 1);
    expect(found.scores).toHaveLength(15);
    means.forEach((mean, i) => expect(found.scores?.[i]).toBeCloseTo(1 / (1 + Math.exp(-mean / 255)), 5));
  });

  it('averages feature maps and passes feature vectors', async () => {
    const features = { name: 'maps', dimensions: 3 };
    const batch = patches(3, 10, 10);
    const found = await answer('band_means.onnx', chipCard(3, {}, { features }), copyOf(batch), { outputs: ['features', 'scores'] });
    blockMeans(batch, 1).forEach((mean, i) => {
      expect(found.features?.[i]).toBeCloseTo(mean, 3);
      expect(found.scores?.[i]).toBeCloseTo(mean, 3);
    });
    const vector = chipCard(0, { shape: [-1, 3, 8, 8] }, { features: { name: 'y', dimensions: 192 } }, { task: 'embedding' });
    const small = patches(2, 8, 8);
    expect((await answer('pixels8.onnx', vector, copyOf(small), { outputs: ['features'] })).features).toEqual(bandsFirst(small));
  });
});

describe('what cannot be run is refused in one line', () => {
  const refused: readonly (readonly [string, string, Parameters<typeof mapCard>, RegExp])[] = [
    ['too few classes', 'identity.onnx', [2], /its card has 2 classes, but its output y is \[1, 3, 128, 128\]: 3 channels/],
    ['a margin that the card does not tell', 'crop2.onnx', [3], /output\.margin says 0, but for 128×128 pixels it gives 124×124/],
    ['sides cut unevenly', 'lopsided.onnx', [3, {}, { margin: 1 }], /output\.margin says 1, but for 128×128 pixels it gives 127×127/],
    ['output axes in another order', 'identity.onnx', [3, {}, { dim_order: 'bhwc' }], /its card has 3 classes, but its output y is/],
    ['class ids without a channel axis', 'class_ids.onnx', [3], /output\.dim_order says bchw, but its output y is \[1, 128, 128\]/],
    ['a graph that breaks', 'breaks.onnx', [3], /./],
  ];
  for (const [what, file, args, message] of refused) {
    it(what, async () => {
      const model = await loadModel(fixture(file), { card: mapCard(...args) });
      const error: unknown = await openPredictor(model, { outputs: ['classes'] }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ModelError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain('\n');
    });
  }

  it('patch sizes that are no multiple', async () => {
    const model = await loadModel(fixture('multiple4.onnx'), { card: mapCard(6, { multiple_of: 4 }) });
    const error: unknown = await openPredictor(model, { outputs: ['classes'], patch: { width: 130, height: 130 } }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as Error).message).toContain('multiples of 4, not 130×130');
    expect((error as InvalidOptionError).advice).toBe('use a patch size of 128 or 132');
  });

  it('patch sizes other than a fixed input', async () => {
    const model = await loadModel(fixture('identity_fixed.onnx'), { card: mapCard(3, { shape: [1, 3, 16, 16] }) });
    await expect(openPredictor(model, { outputs: ['classes'], patch: { width: 32, height: 32 } })).rejects.toThrow(/takes patches of 16×16, not 32×32/);
  });

  it('bands that do not fit', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['classes'] });
    await expect(predictor.predict({ data: new Uint8Array(64), count: 1, width: 4, height: 4, bands: 4 })).rejects.toThrow(/takes 3 bands \(red, green, blue\), the patches have 4/);
    await predictor.close();
  });

  it('outputs that the model does not have', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    await expect(openPredictor(model, { outputs: ['features'] })).rejects.toThrow(/names no features/);
    const ids = await loadModel(fixture('class_ids.onnx'), { card: mapCard(3, {}, { dim_order: 'bhw' }) });
    await expect(openPredictor(ids, { outputs: ['scores'] })).rejects.toThrow(/gives class ids, not probabilities/);
    const chips = await loadModel(fixture('band_means.onnx'), { card: chipCard(3) });
    await expect(openPredictor(chips, { outputs: ['classes'] })).rejects.toThrow(/no class per pixel/);
  });
});

describe('the life of a predictor', () => {
  it('answers many batches of different sizes at once, each with its own answer', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores'], threads: 2 });
    const batches = Array.from({ length: 12 }, (_, i) => patches(1 + (i % 3), 4 + (i % 5), 6, (k) => (k * (i + 1)) % 251));
    const found = await Promise.all(batches.map((batch) => predictor.predict(copyOf(batch))));
    found.forEach((output, i) => expect(output.scores).toEqual(bandsFirst(batches[i]!)));
    expect(predictor.engineMilliseconds).toBeGreaterThan(0);
    await predictor.close();
  });

  it('takes the buffer of a batch, but copies a part of a larger one', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    const whole = patches(1, 4, 4);
    await predictor.predict(whole);
    expect(whole.data.length).toBe(0);
    const large = new Uint8Array(100).fill(7);
    await predictor.predict({ data: large.subarray(10, 58), count: 1, width: 4, height: 4, bands: 3 });
    expect(large.length).toBe(100);
    await predictor.close();
  });

  it('writes into the arrays of an answer that was given back, and into no others', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores', 'classes'], threads: 2 });
    const batches = Array.from({ length: 9 }, (_, i) => patches(1, 6, 5, (k) => (k * (i + 3)) % 251));
    const first = await predictor.predict(copyOf(batches[0]!));
    const kept = await predictor.predict(copyOf(batches[1]!));
    predictor.recycle(first);
    predictor.recycle(first);
    for (const batch of batches.slice(2)) {
      const output = await predictor.predict(copyOf(batch));
      expect(output.scores).toEqual(bandsFirst(batch));
      predictor.recycle(output);
    }
    // Handed over to be written again: nothing is left of it here.
    expect([first.scores!.length, first.classes!.length]).toEqual([0, 0]);
    expect(kept.scores).toEqual(bandsFirst(batches[1]!));
    // Of another size, and as many patches at once: not what was given back.
    const other = patches(2, 4, 4);
    expect((await predictor.predict(copyOf(other))).scores).toEqual(bandsFirst(other));
    await predictor.close();
  });

  it('lends the arrays of batches that were predicted', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    expect(predictor.spareBatch(48)).toBeUndefined();
    await predictor.predict(patches(1, 4, 4));
    expect(predictor.spareBatch(47)).toBeUndefined();
    expect(predictor.spareBatch(48)).toHaveLength(48);
    expect(predictor.spareBatch(48)).toBeUndefined();
    await predictor.close();
  });

  it('stops waiting when the signal is aborted, and answers later batches', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores'], threads: 1 });
    const controller = new AbortController();
    const waiting = Array.from({ length: 8 }, () => predictor.predict(patches(4, 256, 256), controller.signal));
    controller.abort();
    for (const one of waiting) await expect(one).rejects.toBeInstanceOf(Interrupted);
    await expect(predictor.predict(patches(1, 4, 4), controller.signal)).rejects.toBeInstanceOf(Interrupted);
    const batch = patches(1, 4, 4);
    expect((await predictor.predict(copyOf(batch))).scores).toEqual(bandsFirst(batch));
    await predictor.close();
  });

  it('refuses batches after close', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    await predictor.close();
    await predictor.close();
    await expect(predictor.predict(patches(1, 4, 4))).rejects.toThrow(/closed/);
  });

  it('says what is missing where a device is not here', async () => {
    const model = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    const cuda = await openPredictor(model, { outputs: ['scores'], device: 'cuda' }).then((p) => p.close(), (error: unknown) => error);
    // On a machine with CUDA this opens; elsewhere it is one line with advice.
    if (cuda !== undefined) {
      expect(cuda).toMatchObject({ code: 'ENVIRONMENT', exitCode: 4 });
      expect((cuda as Error).message).toMatch(/^the device cuda cannot be used: [^\n]+$/);
    }
  });
});
