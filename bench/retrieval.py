"""Precision@10 by shared tags on the Amazon chips: our extractors against raw pixels, colour histograms, SqueezeNet 1.1 and chance.

    python retrieval.py <planet folder> <squeezenet1_1_f32_metadata.onnx> <models/zoo> <count | split.json> [vectors.npz]

The chips (32 × 32) are a random sample, seed 0; or those of the test part of a split, as
`tilewright dataset split <planet folder> -o split.json --set table=train_v2_32.csv --validation 0.08 --test 0.12 --seed 1` writes that of
amazon-chips, which it was not trained on. Every chip is a query against all others, by Euclidean distance (scikit-learn, exact).
Two numbers: the share of the tags of query and hit that both have (intersection over union), mean over all hits; and precision@10
by tag, the mean over tags of the share of hits that have the tag, for queries that have it. Chance is a random order.
"""
import csv
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image
from sklearn.neighbors import NearestNeighbors

planet, squeezenet, zoo, chosen = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4]
held_out = set(json.loads(Path(chosen).read_text())['test']) if chosen.endswith('.json') else None
random = np.random.default_rng(0)
with open(planet / 'train_v2_32.csv') as file:
    rows = [row for row in csv.DictReader(file)]
rows = [rows[i] for i in sorted(random.choice(len(rows), int(chosen), replace=False))] if held_out is None else [row for row in rows if row['image_name'] in held_out]
count = len(rows)
names = [row['image_name'] for row in rows]
tags = sorted({tag for row in rows for tag in row['tags'].split()})
truth = np.array([[tag in row['tags'].split() for tag in tags] for row in rows])
archive = zipfile.ZipFile(planet / 'train-jpg-32.zip')
members = {Path(name).stem: name for name in archive.namelist()}
chips = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(members[Path(name).stem]))).convert('RGB')) for name in names])


def options():
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = 2
    return made


def enlarged(edge):
    return np.stack([np.asarray(Image.fromarray(chip).resize((edge, edge), Image.BILINEAR)) for chip in chips])


def shipped(name):
    card = json.loads((zoo / name / 'card.json').read_text())
    edge = card['input']['shape'][1]
    session = onnxruntime.InferenceSession(str(zoo / name / card['file']), options())
    pixels = enlarged(edge)
    return np.concatenate([session.run([card['output']['features']['name']], {card['input']['name']: pixels[i:i + 64]})[0] for i in range(0, count, 64)])


def squeeze():
    model = onnx.load(squeezenet)
    concat = [node.output[0] for node in model.graph.node if node.op_type == 'Concat'][-1]
    model.graph.node.append(onnx.helper.make_node('ReduceMean', [concat], ['features'], axes=[2, 3], keepdims=0))
    del model.graph.value_info[:], model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info('features', 1, [None, 512]))
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f's{axis}'
    session = onnxruntime.InferenceSession(model.SerializeToString(), options())
    found = []
    for i in range(0, count, 64):
        part = np.stack([np.asarray(Image.fromarray(chip).resize((128, 128), Image.BILINEAR)) for chip in chips[i:i + 64]])
        part = part[..., ::-1].astype('f4') - np.array([104, 117, 123], 'f4')
        found.append(session.run(None, {model.graph.input[0].name: np.ascontiguousarray(part.transpose(0, 3, 1, 2))})[0])
    return np.concatenate(found)


def histograms():
    bins = (chips // 64).astype(int)
    index = bins[..., 0] * 16 + bins[..., 1] * 4 + bins[..., 2]
    return np.stack([np.bincount(one.ravel(), minlength=64) for one in index]).astype('f4') / 1024


vectors = {'random order': None, 'raw pixels (32 × 32 × 3)': chips.reshape(count, -1).astype('f4') / 255, 'colour histogram (4 × 4 × 4)': histograms(),
           'SqueezeNet 1.1 (ImageNet), 512 numbers': squeeze(), 'aerial-features, 128 numbers': shipped('aerial-features')}
if 'features' in json.loads((zoo / 'amazon-chips' / 'card.json').read_text())['output']:
    vectors[f"amazon-chips features (trained on {'most' if held_out is None else 'none'} of these chips)"] = shipped('amazon-chips')
print(f'{count} chips, {len(tags)} tags')
print('| vectors | shared tags | precision@10, mean over tags |')
print('|---|---|---|')
for name, found in vectors.items():
    if found is None:
        hits = np.stack([random.choice(np.delete(np.arange(count), i), 10, replace=False) for i in range(count)])
    else:
        nearest = NearestNeighbors(n_neighbors=11, algorithm='brute').fit(found).kneighbors(found, return_distance=False)
        hits = np.stack([row[row != i][:10] for i, row in enumerate(nearest)])
    both, either = (truth[hits] & truth[:, None]).sum(-1), (truth[hits] | truth[:, None]).sum(-1)
    shared = (both / np.maximum(either, 1)).mean()
    by_tag = np.mean([truth[hits[truth[:, k]], k].mean() for k in range(len(tags))])
    print(f'| {name} | {shared:.3f} | {by_tag:.3f} |', flush=True)
if len(sys.argv) > 5:
    np.savez(sys.argv[5], vectors=vectors['aerial-features, 128 numbers'], truth=truth)
