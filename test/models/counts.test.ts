import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findArchitecture, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { root } from '../places.js';
import { plainTensorflow } from '../train/engines.js';

/** Counted in keras-applications, torchvision and timm: fixtures/architectures/counts.py. */
const reference = JSON.parse(readFileSync(join(root, 'fixtures/architectures/counts.json'), 'utf8')) as {
  readonly keras: Readonly<Record<string, { readonly top: number; readonly without_top: number }>>;
  readonly keras_alpha: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly torchvision: Readonly<Record<string, number>>;
  readonly timm: Readonly<Record<string, number>>;
  readonly documents: Readonly<Record<string, number>>;
};

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

/** Weights are zeros, which the system gives without touching memory. */
function count(name: string, options: NetworkOptions): { readonly all: number; readonly encoder: number } {
  const network = findArchitecture(name)!.build(tf, { ...options, initial: 'zeros' });
  const all = network.scores.countParams();
  const head = network.scores.layers.filter((layer) => /^(fc\d|logits|conv10$)/.test(layer.name)).reduce((sum, layer) => sum + layer.countParams(), 0);
  network.scores.dispose(); // the others have the same layers
  return { all, encoder: all - head };
}

describe('parameters are as many as', () => {
  it.each(Object.entries(reference.keras))('keras-applications has in %s, with its top and without', (name, { top, without_top }) => {
    const { all, encoder } = count(name, { outputs: 1000, variant: 'keras' });
    expect({ all, encoder }).toEqual({ all: top, encoder: without_top });
  });

  it.each(Object.entries(reference.keras_alpha['mobilenet-v2']!))('keras-applications has in MobileNetV2 of width %s', (width, without) => {
    expect(count('mobilenet-v2', { outputs: 2, width: Number(width) }).encoder).toBe(without);
  });

  it.each(Object.entries(reference.torchvision))('torchvision has in %s', (name, all) => {
    expect(count(name, { outputs: 1000, variant: 'torch' }).all).toBe(all);
  });

  it.each(Object.entries(reference.timm))('timm has in %s', (name, all) => {
    expect(count(name, { outputs: 1000, variant: 'torch' }).all).toBe(all);
  });

  it('the source documents say', () => {
    const { documents } = reference;
    expect(count('vgg3', { outputs: 17 }).all).toBe(documents['vgg3 17 tags at 128']);
    expect(count('vgg3-dropout', { outputs: 17 }).all).toBe(documents['vgg3 17 tags at 128']);
    expect(count('theme-cnn', { outputs: 10 }).all).toBe(documents['theme-cnn 10 themes at 28']);
    expect(count('unet', { outputs: 7 }).all).toBe(documents['unet 7 classes']);
    expect(documents['unet 7 classes']).toBe(1_883_527);
    expect(count('vgg16', { outputs: 17, size: 128, head: { pool: 'flatten', dense: [128] } }).all).toBe(documents['vgg16 flatten dense 128, 17 tags at 128']);
    expect(count('vgg19', { outputs: 2, size: 224, head: { pool: 'flatten', dense: [1024, 1024], dropout: [0, 0.5] } }).all).toBe(documents['vgg19 flatten dense 1024 1024, 2 classes at 224']);
  });

  it('the encoders of U-Nets are those of the classifiers', () => {
    for (const [name, all] of [['vgg16', reference.keras['vgg16']!.without_top], ['resnet50', reference.keras['resnet50']!.without_top]] as const) {
      const network = findArchitecture(`unet-${name}`)!.build(tf, { outputs: 5, initial: 'zeros' });
      const decoder = network.scores.layers.filter((layer) => /^(decoder|logits)/.test(layer.name)).reduce((sum, layer) => sum + layer.countParams(), 0);
      expect(network.scores.countParams() - decoder).toBe(all);
      network.scores.dispose();
    }
  });
});
