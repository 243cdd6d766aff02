"""The other side of bench/search.ts: python search_numpy.py <memory|file> <vectors.f32> <dimensions>, one query per line of standard input.

A line holds the row that is searched for; the answer is a line of JSON: seconds, rows and distances. Squared lengths are computed once,
as tilewright keeps them.  python search_numpy.py faiss <vectors.f32> <dimensions> builds an HNSW graph and tells its numbers.
"""
import json
import os
import resource
import sys
import time

import numpy as np

side, path, dimensions = sys.argv[1], sys.argv[2], int(sys.argv[3])
vectors = (np.memmap(path, '<f4', 'r') if side != 'memory' else np.fromfile(path, '<f4')).reshape(-1, dimensions)
lengths = np.concatenate([np.einsum('ij,ij->i', part, part) for part in np.array_split(vectors, max(1, len(vectors) // 65536))])
k = 10


def exact(query):
    squared = lengths - 2 * (vectors @ query)
    rows = np.argpartition(squared, k)[:k]
    return rows[np.argsort(squared[rows])]


if side == 'faiss':
    import faiss
    faiss.omp_set_num_threads(2)
    graph = faiss.IndexHNSWFlat(dimensions, 16)
    graph.hnsw.efConstruction = 96
    started, spent = time.perf_counter(), time.process_time()
    for first in range(0, len(vectors), 65536):
        graph.add(np.ascontiguousarray(vectors[first:first + 65536]))
    build, cpu = time.perf_counter() - started, time.process_time() - spent
    faiss.write_index(graph, path + '.faiss')
    graph.hnsw.efSearch = 128
    faiss.omp_set_num_threads(1)
    times, hits = [], 0
    queries = list(range(0, len(vectors), max(1, len(vectors) // 100)))[:100]
    for row in queries:
        query = vectors[row] + np.float32(0.05) * lengths[row] ** 0.5 / dimensions ** 0.5 * np.sin(np.arange(dimensions) * 12.9898 + row).astype('<f4')
        started = time.perf_counter()
        found = graph.search(query[None], k)[1][0]
        times.append(time.perf_counter() - started)
        hits += len(set(found.tolist()) & set(exact(query).tolist()))
    print(json.dumps({'library': f'faiss {faiss.__version__} HNSW flat, M 16, ef 96 / 128', 'build': build, 'cpu': cpu, 'peakMB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 'bytes': os.path.getsize(path + '.faiss'),
                      'p50ms': 1e3 * float(np.median(times)), 'recall': hits / (k * len(queries))}))
    os.remove(path + '.faiss')
    sys.exit()

print(json.dumps({'ready': len(vectors), 'numpy': np.__version__}), flush=True)
for line in sys.stdin:
    query = np.array(vectors[int(line)])
    started = time.perf_counter()
    rows = exact(query)
    seconds = time.perf_counter() - started
    print(json.dumps({'seconds': seconds, 'rows': rows.tolist(), 'rss': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)
