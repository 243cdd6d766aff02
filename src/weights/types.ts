/** Files of weights that other libraries write, as ordered named tensors. */

/** Sample types of tensors in files. */
export type WeightType =
  | 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'bool';

/** Which library's kind of file it is. */
export type WeightFormat =
  /** HDF5 of Keras 2 (`layer_names` and `weight_names`) and of Keras 3's `save_weights` (`layers/…/vars/0`) */
  | 'keras-h5'
  /** Keras 3 archive `.keras`: `config.json` and `model.weights.h5` */
  | 'keras-archive'
  | 'safetensors'
  /** TensorFlow.js layers model: `model.json` and its shards */
  | 'tfjs-layers'
  /** PyTorch zip or legacy pickle */
  | 'pytorch'
  | 'onnx';

/** One tensor of a file. Values are read when asked for. */
export interface NamedTensor {
  /** As the file names it: `features.0.weight`, `block1_conv1/kernel:0`, `layers/conv2d/vars/0`. */
  readonly name: string;
  /** Keras: name of the layer of the outermost model that it belongs to. */
  readonly layer?: string;
  /** Type of the values that {@link NamedTensor.bytes} gives. Packed shards of TensorFlow.js count as unpacked. */
  readonly dtype: WeightType;
  /** Row-major sizes; empty for a single number. */
  readonly shape: readonly number[];
  /** Little-endian, row-major, `∏ shape` values of {@link NamedTensor.dtype}. @throws {InvalidFileError} if the file ends before. */
  bytes(): Promise<Uint8Array>;
  /** The same values as 32-bit floats, whatever their type. */
  floats(): Promise<Float32Array>;
}

/** A network's description as its file has it, for files that hold a whole model. */
export interface ModelConfiguration {
  /** `keras-2` also covers TensorFlow.js, which writes Keras 2 configurations. */
  readonly kind: 'keras-2' | 'keras-3';
  /** `{class_name, config}`, parsed. */
  readonly config: { readonly class_name: string; readonly config: unknown };
}

/** An open file. */
export interface WeightFile {
  readonly path: string;
  readonly format: WeightFormat;
  /** In the file's order: for Keras 2 by layer, for PyTorch as the state dict has them. Names differ from each other. */
  readonly tensors: readonly NamedTensor[];
  readonly model?: ModelConfiguration;
  /** Texts of the file about itself: safetensors' `__metadata__`, ONNX's `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors cannot be read afterwards. */
  close(): Promise<void>;
}
