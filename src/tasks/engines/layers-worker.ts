import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { LayersModel, SymbolicTensor, Tensor, Tensor4D } from '@tensorflow/tfjs';
import { EnvironmentError, errorToPlain, ModelError } from '../../errors.js';
import { areaResampleInto } from '../../raster/index.js';
import { fuseTrainingOps, loadLayers, loadTensorflow, tidyValues, type Tensorflow } from '../../train/index.js';
import type { LayersAnswer, LayersReply, LayersRequest, LayersSettings } from './protocol.js';

/** The thread that TensorFlow runs in: its calls block their thread until they are done. */

interface Loaded {
  readonly tf: Tensorflow;
  readonly model: LayersModel;
  /** Scores and, where asked for, features. */
  readonly wanted: LayersModel;
  readonly device: string;
}

async function load(settings: LayersSettings): Promise<Loaded> {
  const { tf, engine, note } = await loadTensorflow();
  if (engine === 'javascript') throw new EnvironmentError(`the engine tensorflow is not here: ${note}`, { advice: 'npm run setup:tensorflow installs it; or leave --engine out' });
  const model = await loadLayers(tf, settings.folder).catch((cause: unknown) => { throw new ModelError(settings.model, `its layers in ${settings.folder} cannot be read: ${(cause as Error).message.split('\n')[0] ?? ''}`, { cause }); });
  // For its large convolutions.
  fuseTrainingOps(tf, model);
  const [scores] = model.outputs;
  const features = settings.outputs.includes('features') ? featuresOf(model, settings) : undefined;
  const wanted = features === undefined || features === scores ? model : tf.model({ inputs: model.inputs, outputs: [scores!, features] });
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  return { tf, model, wanted, device: isUsingGpuDevice === true ? 'tensorflow (gpu)' : 'tensorflow (cpu)' };
}

/** Layers between the features and the classifier that do nothing, or not to the features. */
const BETWEEN = ['Dropout', 'BatchNormalization', 'Activation', 'Softmax'];

/** What comes into the classifier before anything is dropped or normalised; of networks without one, what they give. */
function featuresOf(model: LayersModel, { model: name, card }: LayersSettings): SymbolicTensor {
  const dimensions = card.output.features?.dimensions;
  let tensor = model.outputs[0]!;
  if (card.task !== 'embedding' || card.output.classes.length > 0) {
    let passed = false;
    for (;;) {
      const kind = tensor.sourceLayer.getClassName();
      if (!(BETWEEN.includes(kind) || (kind === 'Dense' && !passed))) break;
      passed ||= kind === 'Dense';
      tensor = (tensor.sourceLayer.inboundNodes[tensor.nodeIndex] as unknown as { inputTensors: SymbolicTensor[] }).inputTensors[0]!;
    }
  }
  if (tensor.shape.length !== 2 || tensor.shape[1] !== dimensions) {
    throw new ModelError(name, `its layers have ${tensor.shape[tensor.shape.length - 1] ?? 'free'} numbers before the classifier, its card has ${dimensions ?? 'no'} features`, { advice: 'leave --engine out' });
  }
  return tensor;
}

/** Samples as the network takes them: reduced, scaled, and cut to whole numbers where its input is whole, as the ONNX graph does it. */
function inputOf(tf: Tensorflow, request: LayersRequest, { input }: LayersSettings['card']): Tensor4D {
  const { count, width, height, bands, inputWidth, inputHeight } = request;
  let samples = request.data instanceof Float32Array ? request.data : new Float32Array(request.data);
  const reduced = inputWidth !== width || inputHeight !== height;
  if (reduced) {
    const [from, to] = [width * height * bands, inputWidth * inputHeight * bands];
    samples = new Float32Array(count * to);
    for (let i = 0; i < count; i++) areaResampleInto(request.data.subarray(i * from, (i + 1) * from), { width, height, bands }, { width: inputWidth, height: inputHeight }, samples.subarray(i * to, (i + 1) * to));
  }
  let x: Tensor = tf.tensor4d(samples, [count, inputHeight, inputWidth, bands]);
  const { scale = 1, mean, stddev } = input.value_scaling ?? {};
  if (scale !== 1) x = tf.mul(x, scale);
  if (mean !== undefined) x = tf.sub(x, tf.tensor1d([...mean]));
  if (stddev !== undefined) x = tf.div(x, tf.tensor1d([...stddev]));
  if (!input.data_type.startsWith('float')) x = tf.mul(tf.sign(x), tf.floor(tf.abs(x)));
  return x as Tensor4D;
}

function predict({ tf, wanted }: Loaded, request: LayersRequest, { card, outputs }: LayersSettings): LayersAnswer {
  return tidyValues(tf, () => {
    const found = wanted.predict(inputOf(tf, request, card));
    const [raw, features] = Array.isArray(found) ? found : [found, found];
    let scores = raw!;
    if (card.output.activation === 'softmax') scores = tf.softmax(scores);
    if (card.output.activation === 'sigmoid') scores = tf.sigmoid(scores);
    const map = scores.rank === 4;
    // A single channel of two classes is the probability of the second.
    if (map && scores.shape[3] === 1 && card.output.classes.length === 2) scores = tf.concat([tf.sub(1, scores), scores], 3);
    return {
      width: map ? scores.shape[2]! : 1, height: map ? scores.shape[1]! : 1,
      ...(outputs.includes('classes') ? { classes: new Uint8Array(tf.argMax(scores, 3).dataSync()) } : {}),
      ...(outputs.includes('scores') ? { scores: new Float32Array((map ? tf.transpose(scores, [0, 3, 1, 2]) : scores).dataSync()) } : {}),
      ...(outputs.includes('features') ? { features: new Float32Array(features!.dataSync()) } : {}),
    };
  });
}

async function work(settings: LayersSettings): Promise<void> {
  const send = (reply: LayersReply, handOver: ArrayBuffer[] = []): void => parentPort!.postMessage(reply, handOver);
  try {
    const loaded = await load(settings);
    parentPort!.on('message', (request: LayersRequest | 'close') => {
      if (request === 'close') { parentPort!.close(); return; }
      try {
        const started = performance.now();
        const answer = predict(loaded, request, settings);
        const parts = [answer.classes, answer.scores, answer.features].flatMap((part) => (part === undefined ? [] : [part.buffer as ArrayBuffer]));
        send({ kind: 'done', id: request.id, answer, milliseconds: performance.now() - started }, parts);
      } catch (error) {
        const failure = new ModelError(settings.model, `TensorFlow failed on a patch: ${(error as Error).message.split('\n')[0] ?? ''}`, { cause: error });
        send({ kind: 'failed', id: request.id, error: errorToPlain(failure) });
      }
    });
    send({ kind: 'ready', device: loaded.device });
  } catch (error) {
    send({ kind: 'failed', error: errorToPlain(error) });
    parentPort!.close();
  }
}

const given = workerData as LayersSettings | null;
if (!isMainThread && given?.mark === 'tilewright-layers') void work(given);
