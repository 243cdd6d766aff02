export { applyThreshold, bestConstantTags, constantTags, fBeta, fBetaPerTag, type FBetaOptions, type TagAverage } from './tags.js';
export {
  accuracy, addToConfusion, confusionMatrix, constantConfusion, intersectionOverUnion, meanIntersectionOverUnion, truthCounts, type ConfusionMatrix,
} from './classes.js';
