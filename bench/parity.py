"""The Keras side of bench/parity.ts: python parity.py <folder> <seed>. Trains on the samples that lie in the folder, prints the validation score."""
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import keras
from keras import layers as L

folder, seed = sys.argv[1], int(sys.argv[2])
meta = json.load(open(f"{folder}/meta.json"))
n, h, w, _ = meta["shape"]
x = np.fromfile(f"{folder}/pixels.u8", np.uint8).reshape(n, h, w, 3)
truth = np.fromfile(f"{folder}/truth.u8", np.uint8)
train, validation = np.array(meta["train"]), np.array(meta["validation"])
outputs, opt = meta["outputs"], meta["optimizer"]
keras.utils.set_random_seed(seed)

i = keras.Input((h, w, 3))
if meta["task"] == "tagger":
    y = truth.reshape(n, outputs).astype("float32")
    scaled = lambda count: max(1, round(count * meta["width"]))
    t = L.Rescaling(1 / 255)(i)
    for filters in (32, 64, 128):
        for _ in range(2):
            t = L.Conv2D(scaled(filters), 3, padding="same", activation="relu", kernel_initializer="he_uniform")(t)
        t = L.MaxPooling2D(2)(t)
    t = L.Dense(scaled(128), activation="relu", kernel_initializer="he_uniform")(L.Flatten()(t))
    model = keras.Model(i, L.Dense(outputs, activation="sigmoid")(t))
    loss, weights = "binary_crossentropy", None
else:
    ids = truth.reshape(n, h, w)
    y = np.where(ids == 255, 0, ids).astype("int32")
    weights = (ids != 255).astype("float32")
    double = lambda t, f: L.Conv2D(f, 3, padding="same", activation="relu", kernel_initializer="he_normal")(L.Conv2D(f, 3, padding="same", activation="relu", kernel_initializer="he_normal")(t))
    t, skips = L.Rescaling(1 / 127.5, -1)(i), []
    for depth, filters in enumerate(meta["widths"]):
        t = double(L.MaxPooling2D(2)(t) if depth else t, filters)
        skips.append(t)
    for skip, filters in list(zip(skips, meta["widths"]))[-2::-1]:
        t = double(L.Concatenate()([L.UpSampling2D()(t), skip]), filters)
    model = keras.Model(i, L.Conv2D(outputs, 1, activation="softmax")(t))
    loss = "sparse_categorical_crossentropy"

clip = {"clipnorm": opt["clipnorm"]} if "clipnorm" in opt else {}
optimizer = keras.optimizers.SGD(opt["lr"], momentum=opt.get("momentum", 0), **clip) if opt["name"] == "sgd" else keras.optimizers.Adam(opt["lr"], **clip)
model.compile(optimizer, loss)
if weights is None:
    model.fit(x[train], y[train], batch_size=meta["batch"], epochs=meta["epochs"], verbose=0)
else:
    # Pictures are drawn anew for each step, as patches are on the other side.
    random = np.random.default_rng(seed)
    for _ in range(meta["epochs"] * -(-len(train) // meta["batch"])):
        chosen = random.choice(train, meta["batch"])
        model.train_on_batch(x[chosen], y[chosen], sample_weight=weights[chosen])
p = model.predict(x[validation], verbose=0)
if meta["task"] == "tagger":
    found, true = p >= meta["threshold"], y[validation] == 1
    both = (found & true).sum(1)
    print(np.mean(5 * both / np.maximum(1, 4 * true.sum(1) + found.sum(1))))
else:
    known = ids[validation] != 255
    print((p.argmax(-1) == ids[validation])[known].mean())
