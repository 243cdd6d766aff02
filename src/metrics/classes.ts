/** Mask value of pixels that are not scored. */
const IGNORED = 255;

/** Counts `[truth, predicted]`, row-major. */
export interface ConfusionMatrix {
  readonly classes: number;
  readonly counts: Float64Array;
}

export function confusionMatrix(classes: number): ConfusionMatrix {
  return { classes, counts: new Float64Array(classes * classes) };
}

/** Adds pixels (or chips) to the counts; where the truth is 255 nothing is counted. */
export function addToConfusion(matrix: ConfusionMatrix, truth: Uint8Array, predicted: Uint8Array): void {
  const { classes, counts } = matrix;
  for (let i = 0; i < truth.length; i++) {
    const row = truth[i]!;
    if (row === IGNORED) continue;
    counts[row * classes + predicted[i]!]!++;
  }
}

/** Share of pixels whose class is right. NaN if there are none. */
export function accuracy({ classes, counts }: ConfusionMatrix): number {
  let right = 0;
  let all = 0;
  for (let i = 0; i < counts.length; i++) {
    all += counts[i]!;
    if (i % (classes + 1) === 0) right += counts[i]!;
  }
  return right / all;
}

/** Intersection over union per class (Jaccard). NaN for a class that is neither true nor predicted anywhere. */
export function intersectionOverUnion({ classes, counts }: ConfusionMatrix): Float64Array {
  return Float64Array.from({ length: classes }, (_, id) => {
    let truth = 0;
    let predicted = 0;
    for (let other = 0; other < classes; other++) {
      truth += counts[id * classes + other]!;
      predicted += counts[other * classes + id]!;
    }
    const hit = counts[id * classes + id]!;
    return hit / (truth + predicted - hit);
  });
}

/** Mean IoU over the classes that are true or predicted somewhere. */
export function meanIntersectionOverUnion(matrix: ConfusionMatrix): number {
  const values = intersectionOverUnion(matrix).filter((value) => !Number.isNaN(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How often each class is true. */
export function truthCounts({ classes, counts }: ConfusionMatrix): Float64Array {
  return Float64Array.from({ length: classes }, (_, id) => counts.subarray(id * classes, (id + 1) * classes).reduce((sum, value) => sum + value, 0));
}

/** The matrix that a model would have which always answers with one class. */
export function constantConfusion(truth: ArrayLike<number>, answer: number): ConfusionMatrix {
  const matrix = confusionMatrix(truth.length);
  for (let id = 0; id < truth.length; id++) matrix.counts[id * truth.length + answer] = truth[id]!;
  return matrix;
}

/** Dice coefficient per class: twice the overlap over the sum, the F1 of its pixels. NaN for a class that is neither true nor predicted anywhere. */
export function dice({ classes, counts }: ConfusionMatrix): Float64Array {
  return Float64Array.from({ length: classes }, (_, id) => {
    let sum = 0;
    for (let other = 0; other < classes; other++) sum += counts[id * classes + other]! + counts[other * classes + id]!;
    return (2 * counts[id * classes + id]!) / sum;
  });
}

/** Precision and recall per class; 0 where nothing is predicted, or nothing true. */
export function classPrecisionRecall({ classes, counts }: ConfusionMatrix): { readonly precision: number; readonly recall: number }[] {
  return Array.from({ length: classes }, (_, id) => {
    let [truth, predicted] = [0, 0];
    for (let other = 0; other < classes; other++) {
      truth += counts[id * classes + other]!;
      predicted += counts[other * classes + id]!;
    }
    const hit = counts[id * classes + id]!;
    return { precision: predicted === 0 ? 0 : hit / predicted, recall: truth === 0 ? 0 : hit / truth };
  });
}

/** Mean IoU with 0 for classes that are true but never answered, over the classes that are true somewhere. */
export function meanIntersectionOverTrue(matrix: ConfusionMatrix): number {
  const truth = truthCounts(matrix);
  const values = Array.from(intersectionOverUnion(matrix)).filter((_, id) => truth[id]! > 0);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
