import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { datasetInfo } from '../../src/tasks/dataset-info.js';
import { datasetSplit } from '../../src/tasks/dataset-split.js';
import { train } from '../../src/tasks/train.js';
import { root, scratch } from '../places.js';

const folder = scratch();
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');
process.env['TILEWRIGHT_CACHE'] = join(folder, 'cache');
const one = join(folder, 'one');
const ADVICE = 'list it several times under scenes in dataset.yaml, each time with another name and area, and keep one of these apart';

beforeAll(async () => {
  for (const [name, bright] of [['images', 140], ['masks', 255]] as const) {
    mkdirSync(join(one, name), { recursive: true });
    const raw = { width: 40, height: 24, channels: 3 as const };
    await sharp(Buffer.from(Uint8Array.from({ length: 40 * 24 * 3 }, (_, at) => (Math.floor(at / 3) % 7 < 3 ? bright : 0))), { raw }).png().toFile(join(one, name, 'town.png'));
  }
});

const RECIPE = 'name: maps\ntask: segmenter\ndata: {}\nsplit: { SPLIT }\nnetwork: { architecture: unet, widths: [2, 2] }\ntraining: { epochs: 1, steps: 1, batch: 1, patch: 8 }\noptimizer: { lr: 0.01 }\n';
async function trained(data: string, split: string, name: string): Promise<{ notes: string; scoredOn: string }> {
  const recipe = join(folder, `${name}.yaml`);
  writeFileSync(recipe, RECIPE.replace('SPLIT', split));
  const notes: string[] = [];
  const { scoredOn } = await train({ recipe, data, output: join(folder, name) }, { onProgress: ({ detail }) => notes.push(detail ?? '') });
  return { notes: notes.join('\n'), scoredOn };
}

describe('one scene', () => {
  it('is one sample: training says why nothing is kept apart, and what to do', async () => {
    for (const [split, name] of [['seed: 1', 'a'], ['validation: 0.15, test: 0.15', 'b']] as const) {
      expect((await trained(one, split, name)).notes).toContain(`note: nothing is kept apart to validate or test on: there is one picture or scene, which is one sample; ${ADVICE}`);
    }
    expect((await trained(one, 'validation: 0, test: 0', 'c')).notes).not.toContain('nothing is kept apart');
  });

  it('cannot be split, at random or by blocks of any size', async () => {
    const { notes, train: count } = await datasetSplit({ data: one, output: join(folder, 'random.json') });
    expect([count, notes.join()]).toEqual([1, expect.stringContaining(`there is one picture or scene, which is one sample; ${ADVICE}`)]);
    writeFileSync(join(folder, 'one.yaml'), 'scenes: [{ scene: one/images/town.png, truth: one/masks/town.png }]\nclasses: legend.json\n');
    writeFileSync(join(folder, 'legend.json'), JSON.stringify({ classes: [{ name: 'dark', color: [0, 0, 0] }, { name: 'bright', color: [255, 255, 255] }] }));
    const { notes: random } = await datasetSplit({ data: join(folder, 'one.yaml'), output: join(folder, 'scene.json') });
    expect(random.join()).toContain('there is one picture or scene');
    // Chips of it can.
    const blocks = await datasetSplit({ data: join(folder, 'one.yaml'), set: ['chip=8'], by: 'block', block: 8, validation: 0.2, test: 0.2, output: join(folder, 'chips.json') });
    expect([blocks.train, blocks.validation, blocks.test]).toEqual([9, 3, 3]);
  });

  it('with a place on the ground is refused by block, with why', async () => {
    const data = join(folder, 'placed');
    for (const name of ['images', 'masks']) {
      mkdirSync(join(data, name), { recursive: true });
      writeFileSync(join(data, name, 'town.png'), readFileSync(join(one, name, 'town.png')));
    }
    writeFileSync(join(data, 'images', 'town.pgw'), '1\n0\n0\n-1\n500000\n4000000\n');
    writeFileSync(join(data, 'images', 'town.prj'), 'PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1],AUTHORITY["EPSG","32633"]]');
    for (const block of [1, 1000]) {
      await expect(datasetSplit({ data, by: 'block', block, output: join(folder, 'block.json') })).rejects.toMatchObject({ message: expect.stringContaining('expected at least 3 samples to deal out in blocks, found 1: a scene or picture is one sample, whatever the edge') as string, advice: expect.stringContaining(ADVICE) as string });
    }
  });

  it('with two areas is two samples, one of which can be kept apart', async () => {
    const data = join(folder, 'two');
    mkdirSync(data);
    const scene = 'scene: ../one/images/town.png, truth: ../one/masks/town.png';
    writeFileSync(join(data, 'dataset.yaml'), `scenes:\n  - { ${scene}, name: west, area: [0, 0, 28, 24] }\n  - { ${scene}, name: east, area: [28, 0, 12, 24] }\nclasses: ../legend.json\n`);
    const { notes, scoredOn } = await trained(data, 'validation: [east]', 'd');
    expect([notes.includes('nothing is kept apart'), scoredOn]).toEqual([false, '1 validation picture (on which the epoch was chosen, too)']);
    expect((await datasetInfo({ data })).groups).toEqual([{ name: 'west', count: 1 }, { name: 'east', count: 1 }]);
    const few = await trained(data, 'validation: 0.2', 'e');
    expect(few.notes).toContain('shares of 0.2 and 0 of 2 pictures are none; a share of 0.25 is one of them');
  });

  it('is counted as one by the command', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(root, 'dist/cli/main.js'), 'dataset', 'info', one]);
    expect(stdout).toContain(`${one}: 1 picture with a mask (folders of pictures and masks), 40 × 24 pixels`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('a split in the current folder', () => {
  it('is not the one beside the data: the error says where it is', async () => {
    const file = join(folder, 'wanted.json');
    writeFileSync(join(folder, 's.json'), '{}');
    const here = vi.spyOn(process, 'cwd').mockReturnValue(folder);
    try {
      await expect(trained(one, 'file: s.json', 'f')).rejects.toMatchObject({ message: `${join(one, 's.json')}: expected a split (split.file starts from the folder of the data), found no file`, advice: `there is one in the current folder: --set split.file=${join(folder, 's.json')}` });
    } finally {
      here.mockRestore();
    }
    await expect(trained(one, `file: ${file}`, 'g')).rejects.toMatchObject({ advice: `make one with: tilewright dataset split ${one} -o ${file}` });
  });
});
