"""The same steps as bench/train.ts in Keras: python train_keras.py <case> <batch> <size> <steps>. Prints JSON."""
import json, os, resource, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import keras
from keras import layers as L

case, batch, size, steps = sys.argv[1], *map(int, sys.argv[2:5])
x = ((np.arange(batch * size * size * 3) * 37) % 256).astype("float32").reshape(batch, size, size, 3)
if case == "planet-vgg3":
    i = keras.Input((size, size, 3))
    h = L.Rescaling(1 / 255)(i)
    for filters in (32, 64, 128):
        for _ in range(2):
            h = L.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="he_uniform")(h)
        h = L.MaxPooling2D(2)(h)
    o = L.Dense(17, activation="sigmoid")(L.Dense(128, activation="relu", kernel_initializer="he_uniform")(L.Flatten()(h)))
    model = keras.Model(i, o)
    model.compile(keras.optimizers.SGD(1e-4, momentum=0.9), "binary_crossentropy")
    y = np.eye(17, dtype="float32")[np.arange(batch) % 17]
else:
    i = keras.Input((None, None, 3))
    double = lambda h, f: L.Conv2D(f, 3, padding="same", activation="relu")(L.Conv2D(f, 3, padding="same", activation="relu")(h))
    a = double(L.Rescaling(1 / 127.5, -1)(i), 64)
    b = double(L.MaxPooling2D(2)(a), 128)
    c = double(L.MaxPooling2D(2)(b), 256)
    b2 = double(L.Concatenate()([L.UpSampling2D()(c), b]), 128)
    a2 = double(L.Concatenate()([L.UpSampling2D()(b2), a]), 64)
    model = keras.Model(i, L.Conv2D(7, 1, activation="softmax")(a2))
    model.compile(keras.optimizers.Adam(1e-4, clipnorm=1), "categorical_crossentropy")
    y = np.eye(7, dtype="float32")[np.arange(batch * size * size) % 7].reshape(batch, size, size, 7)
for _ in range(2):
    model.train_on_batch(x, y)
cpu, wall = time.process_time(), time.perf_counter()
for _ in range(steps):
    model.train_on_batch(x, y)
print(json.dumps({"cpu": (time.process_time() - cpu) / steps, "wall": (time.perf_counter() - wall) / steps, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
